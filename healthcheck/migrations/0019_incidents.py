import uuid

import django.core.validators
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ("healthcheck", "0018_open_windows"),
    ]

    operations = [
        migrations.CreateModel(
            name="NotificationChannel",
            fields=[
                ("id", models.AutoField(primary_key=True, serialize=False)),
                (
                    "name",
                    models.CharField(
                        error_messages={"unique": "There is already a channel with this name; choose another."},
                        max_length=200,
                        unique=True,
                        verbose_name="name",
                    ),
                ),
                ("kind", models.CharField(max_length=20, verbose_name="kind")),
                ("details", models.JSONField(blank=True, default=dict, editable=False)),
                ("sealed", models.TextField(blank=True, default="", editable=False)),
                ("is_enabled", models.BooleanField(default=True, verbose_name="enabled")),
                (
                    "is_about_ourselves",
                    models.BooleanField(
                        default=False,
                        help_text="A late scheduler, missing workers, messages that do not get out.",
                        verbose_name="told about the checker itself",
                    ),
                ),
                (
                    "pause_seconds",
                    models.PositiveIntegerField(
                        default=60,
                        help_text="What happens in between comes together in the next message.",
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(3600),
                        ],
                        verbose_name="at most one message in (seconds)",
                    ),
                ),
            ],
            options={
                "verbose_name": "notification channel",
                "verbose_name_plural": "notification channels",
                "ordering": ["name"],
            },
        ),
        migrations.CreateModel(
            name="ChannelState",
            fields=[
                (
                    "channel",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="standing",
                        serialize=False,
                        to="healthcheck.notificationchannel",
                    ),
                ),
                ("next_send_at", models.DateTimeField(null=True)),
                ("disabled_at", models.DateTimeField(null=True)),
                ("last_sent_at", models.DateTimeField(null=True)),
                ("failures", models.PositiveIntegerField(default=0)),
                ("last_error", models.CharField(blank=True, default="", max_length=500)),
            ],
            options={
                "verbose_name": "channel state",
                "verbose_name_plural": "channel states",
            },
        ),
        migrations.CreateModel(
            name="Delivery",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                (
                    "status",
                    models.PositiveSmallIntegerField(
                        choices=[(1, "waiting"), (2, "delivered"), (3, "failed")], default=1
                    ),
                ),
                ("created_at", models.DateTimeField()),
                ("message", models.JSONField()),
                ("next_try_at", models.DateTimeField()),
                ("lease_until", models.DateTimeField(null=True)),
                ("token", models.PositiveIntegerField(default=0)),
                ("attempts", models.PositiveIntegerField(default=0)),
                ("ended_at", models.DateTimeField(null=True)),
                ("duration_ms", models.PositiveIntegerField(default=0)),
                ("answer", models.CharField(blank=True, default="", max_length=500)),
                (
                    "channel",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="deliveries",
                        to="healthcheck.notificationchannel",
                    ),
                ),
            ],
            options={
                "verbose_name": "delivery",
                "verbose_name_plural": "deliveries",
                "indexes": [
                    models.Index(fields=["status", "next_try_at"], name="hc_delivery_due"),
                    models.Index(fields=["channel", "created_at"], name="hc_delivery_channel"),
                    models.Index(fields=["ended_at"], name="hc_delivery_ended"),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("status", 1)), fields=("channel",), name="hc_delivery_waiting"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Dependency",
            fields=[
                ("id", models.AutoField(primary_key=True, serialize=False)),
                (
                    "child_endpoint",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="parents",
                        to="healthcheck.endpoint",
                        verbose_name="endpoint",
                    ),
                ),
                (
                    "child_group",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="parents",
                        to="healthcheck.endpointgroup",
                        verbose_name="group",
                    ),
                ),
                (
                    "parent_endpoint",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="children",
                        to="healthcheck.endpoint",
                        verbose_name="depends on the endpoint",
                    ),
                ),
                (
                    "parent_group",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="children",
                        to="healthcheck.endpointgroup",
                        verbose_name="depends on the group",
                    ),
                ),
            ],
            options={
                "verbose_name": "dependency",
                "verbose_name_plural": "dependencies",
                "ordering": ["id"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("child_endpoint__isnull", True), ("child_group__isnull", False)),
                            models.Q(("child_endpoint__isnull", False), ("child_group__isnull", True)),
                            _connector="OR",
                        ),
                        name="hc_dependency_child",
                        violation_error_message="Choose either a group or an endpoint that depends on something.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("parent_endpoint__isnull", True), ("parent_group__isnull", False)),
                            models.Q(("parent_endpoint__isnull", False), ("parent_group__isnull", True)),
                            _connector="OR",
                        ),
                        name="hc_dependency_parent",
                        violation_error_message="Choose either a group or an endpoint to depend on.",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Incident",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("title", models.CharField(blank=True, default="", max_length=200, verbose_name="title")),
                ("is_manual", models.BooleanField(default=False, editable=False)),
                (
                    "severity",
                    models.PositiveSmallIntegerField(
                        choices=[(1, "notice"), (2, "degraded"), (3, "down")], default=3, verbose_name="severity"
                    ),
                ),
                (
                    "stage",
                    models.PositiveSmallIntegerField(
                        choices=[(1, "investigating"), (2, "identified"), (3, "monitoring"), (4, "resolved")],
                        default=1,
                        verbose_name="stage",
                    ),
                ),
                ("is_public", models.BooleanField(default=False, verbose_name="shown on status pages")),
                ("started_at", models.DateTimeField(verbose_name="start")),
                ("resolved_at", models.DateTimeField(blank=True, editable=False, null=True, verbose_name="end")),
                ("cause_key", models.CharField(blank=True, default="", editable=False, max_length=300)),
                ("group_id", models.IntegerField(editable=False, null=True)),
                ("location_id", models.IntegerField(editable=False, null=True)),
                (
                    "error_kind",
                    models.PositiveSmallIntegerField(
                        choices=[
                            (0, ""),
                            (1, "timeout"),
                            (2, "dns"),
                            (3, "refused"),
                            (4, "connection"),
                            (5, "tls"),
                            (6, "certificate"),
                            (7, "redirect"),
                            (8, "protocol"),
                            (9, "too_large"),
                            (10, "status"),
                            (11, "assertion"),
                            (12, "blocked"),
                            (13, "capacity"),
                            (14, "internal"),
                            (15, "credential"),
                            (16, "members"),
                            (17, "missed"),
                            (18, "failed"),
                            (19, "silent"),
                            (20, "away"),
                            (21, "no_data"),
                            (22, "uplink"),
                        ],
                        default=0,
                        editable=False,
                    ),
                ),
                ("cause_host", models.CharField(blank=True, default="", editable=False, max_length=255)),
                ("open_count", models.PositiveIntegerField(default=0, editable=False)),
                ("peak_count", models.PositiveIntegerField(default=0, editable=False)),
                ("checked_count", models.PositiveIntegerField(default=0, editable=False)),
                ("flap_count", models.PositiveIntegerField(default=0, editable=False)),
                ("acknowledged_at", models.DateTimeField(blank=True, editable=False, null=True)),
                ("acknowledged_by_name", models.CharField(blank=True, default="", editable=False, max_length=200)),
                ("snoozed_until", models.DateTimeField(blank=True, editable=False, null=True)),
                ("post_mortem", models.TextField(blank=True, default="", max_length=20000, verbose_name="post-mortem")),
                (
                    "assignee",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "parent",
                    models.ForeignKey(
                        blank=True,
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="affected",
                        to="healthcheck.incident",
                    ),
                ),
            ],
            options={
                "verbose_name": "incident",
                "verbose_name_plural": "incidents",
                "ordering": ["-started_at", "-id"],
                "permissions": [("operate_incident", "Can operate incidents (acknowledge, snooze, assign, resolve)")],
                "indexes": [
                    models.Index(fields=["started_at"], name="hc_incident_start"),
                    models.Index(
                        condition=models.Q(("resolved_at__isnull", True)), fields=["group_id"], name="hc_incident_open"
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("resolved_at__isnull", True), models.Q(("cause_key", ""), _negated=True)),
                        fields=("cause_key",),
                        name="hc_incident_cause",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="IncidentMember",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("endpoint_id", models.IntegerField()),
                ("location_id", models.IntegerField(null=True)),
                (
                    "state",
                    models.PositiveSmallIntegerField(
                        choices=[(0, "unknown"), (1, "up"), (2, "degraded"), (3, "down")], default=0
                    ),
                ),
                (
                    "error_kind",
                    models.PositiveSmallIntegerField(
                        choices=[
                            (0, ""),
                            (1, "timeout"),
                            (2, "dns"),
                            (3, "refused"),
                            (4, "connection"),
                            (5, "tls"),
                            (6, "certificate"),
                            (7, "redirect"),
                            (8, "protocol"),
                            (9, "too_large"),
                            (10, "status"),
                            (11, "assertion"),
                            (12, "blocked"),
                            (13, "capacity"),
                            (14, "internal"),
                            (15, "credential"),
                            (16, "members"),
                            (17, "missed"),
                            (18, "failed"),
                            (19, "silent"),
                            (20, "away"),
                            (21, "no_data"),
                            (22, "uplink"),
                        ],
                        default=0,
                    ),
                ),
                ("joined_at", models.DateTimeField()),
                ("left_at", models.DateTimeField(null=True)),
                (
                    "incident",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="members",
                        to="healthcheck.incident",
                    ),
                ),
            ],
            options={
                "verbose_name": "member of an incident",
                "verbose_name_plural": "members of incidents",
                "indexes": [
                    models.Index(fields=["incident", "joined_at"], name="hc_member_incident"),
                    models.Index(fields=["endpoint_id", "joined_at"], name="hc_member_endpoint"),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("left_at__isnull", True), ("location_id__isnull", False)),
                        fields=("endpoint_id", "location_id"),
                        name="hc_incident_member",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="IncidentUpdate",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField(verbose_name="time")),
                (
                    "kind",
                    models.PositiveSmallIntegerField(
                        choices=[
                            (1, "update"),
                            (2, "note"),
                            (3, "acknowledged"),
                            (4, "snoozed"),
                            (5, "assigned"),
                            (6, "opened"),
                            (7, "resolved"),
                            (8, "opened again"),
                            (9, "muted"),
                            (10, "flapping"),
                        ]
                    ),
                ),
                (
                    "stage",
                    models.PositiveSmallIntegerField(
                        choices=[(1, "investigating"), (2, "identified"), (3, "monitoring"), (4, "resolved")],
                        default=0,
                        verbose_name="stage",
                    ),
                ),
                ("text", models.TextField(blank=True, default="", max_length=5000, verbose_name="text")),
                ("is_public", models.BooleanField(default=False, verbose_name="shown on status pages")),
                ("author_name", models.CharField(blank=True, default="", max_length=200, verbose_name="author")),
                (
                    "author",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "incident",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="updates",
                        to="healthcheck.incident",
                    ),
                ),
            ],
            options={
                "verbose_name": "incident update",
                "verbose_name_plural": "incident updates",
                "indexes": [models.Index(fields=["incident", "at"], name="hc_update_incident")],
            },
        ),
        migrations.CreateModel(
            name="Notification",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("policy_id", models.IntegerField(null=True)),
                ("step_id", models.IntegerField(null=True)),
                (
                    "event",
                    models.PositiveSmallIntegerField(
                        choices=[
                            (1, "opened"),
                            (2, "grew"),
                            (3, "escalated"),
                            (4, "reminder"),
                            (5, "updated"),
                            (6, "acknowledged"),
                            (7, "resolved"),
                            (8, "test"),
                            (9, "trouble of the checker"),
                            (10, "trouble of the checker is over"),
                        ]
                    ),
                ),
                ("severity", models.PositiveSmallIntegerField(choices=[(1, "notice"), (2, "degraded"), (3, "down")])),
                ("text", models.CharField(blank=True, default="", max_length=500)),
                (
                    "status",
                    models.PositiveSmallIntegerField(
                        choices=[(1, "queued"), (2, "sent"), (3, "superseded")], default=1
                    ),
                ),
                ("queued_at", models.DateTimeField()),
                ("due_at", models.DateTimeField()),
                (
                    "channel",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="notifications",
                        to="healthcheck.notificationchannel",
                    ),
                ),
                (
                    "delivery",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="notifications",
                        to="healthcheck.delivery",
                    ),
                ),
                (
                    "incident",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="notifications",
                        to="healthcheck.incident",
                    ),
                ),
            ],
            options={
                "verbose_name": "notification",
                "verbose_name_plural": "notifications",
                "indexes": [
                    models.Index(fields=["status", "due_at"], name="hc_notification_due"),
                    models.Index(fields=["incident", "status"], name="hc_notification_incident"),
                    models.Index(fields=["delivery"], name="hc_notification_delivery"),
                ],
            },
        ),
        migrations.CreateModel(
            name="NotificationPolicy",
            fields=[
                ("id", models.AutoField(primary_key=True, serialize=False)),
                (
                    "name",
                    models.CharField(
                        error_messages={"unique": "There is already a policy with this name; choose another."},
                        max_length=200,
                        unique=True,
                        verbose_name="name",
                    ),
                ),
                ("is_enabled", models.BooleanField(default=True, verbose_name="enabled")),
                (
                    "min_severity",
                    models.PositiveSmallIntegerField(
                        choices=[(1, "notice"), (2, "degraded"), (3, "down")], default=3, verbose_name="from severity"
                    ),
                ),
                (
                    "hours",
                    models.CharField(
                        blank=True,
                        default="",
                        help_text="Such as Mon-Fri 08:00-18:00, Sat 10:00-14:00; empty for always.",
                        max_length=500,
                        verbose_name="hours of the week",
                    ),
                ),
                (
                    "timezone",
                    models.CharField(
                        default="UTC",
                        help_text="Of the hours, such as Europe/Berlin.",
                        max_length=64,
                        verbose_name="time zone",
                    ),
                ),
                ("sends_recovery", models.BooleanField(default=True, verbose_name="tells of recovery")),
                (
                    "reminder_minutes",
                    models.PositiveIntegerField(
                        blank=True,
                        help_text="While it lasts and nobody has acknowledged it. Empty for never.",
                        null=True,
                        validators=[
                            django.core.validators.MinValueValidator(5),
                            django.core.validators.MaxValueValidator(1440),
                        ],
                        verbose_name="reminds every (minutes)",
                    ),
                ),
                (
                    "groups",
                    models.ManyToManyField(
                        blank=True, related_name="+", to="healthcheck.endpointgroup", verbose_name="groups"
                    ),
                ),
                (
                    "tags",
                    models.ManyToManyField(
                        blank=True,
                        help_text="Of endpoints and of groups.",
                        related_name="+",
                        to="healthcheck.tag",
                        verbose_name="tags",
                    ),
                ),
            ],
            options={
                "verbose_name": "notification policy",
                "verbose_name_plural": "notification policies",
                "ordering": ["name"],
            },
        ),
        migrations.CreateModel(
            name="PolicyStep",
            fields=[
                ("id", models.AutoField(primary_key=True, serialize=False)),
                (
                    "after_minutes",
                    models.PositiveIntegerField(
                        default=0,
                        validators=[django.core.validators.MaxValueValidator(1440)],
                        verbose_name="after (minutes)",
                    ),
                ),
                (
                    "channels",
                    models.ManyToManyField(
                        related_name="steps", to="healthcheck.notificationchannel", verbose_name="channels"
                    ),
                ),
                (
                    "policy",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="steps",
                        to="healthcheck.notificationpolicy",
                        verbose_name="policy",
                    ),
                ),
            ],
            options={
                "verbose_name": "step",
                "verbose_name_plural": "steps",
                "ordering": ["after_minutes", "id"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("policy", "after_minutes"),
                        name="hc_step_minutes",
                        violation_error_message="This policy already has a step after so many minutes; add to that.",
                    )
                ],
            },
        ),
    ]
