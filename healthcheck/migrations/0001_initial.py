from __future__ import annotations

import django.core.validators
import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps


def create_defaults(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """The location that every run has, and a page at the root that shows every group."""
    apps.get_model("healthcheck", "Location").objects.get_or_create(slug="default", defaults={"name": "Default"})
    apps.get_model("healthcheck", "StatusPage").objects.get_or_create(
        slug="status", defaults={"title": "Status", "shows_all_groups": True}
    )


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="CheckResult",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "endpoint_id", "run_id", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("run_id", models.BigIntegerField()),
                ("endpoint_id", models.IntegerField()),
                ("latency_us", models.IntegerField(default=0)),
                ("resolve_us", models.IntegerField(default=0)),
                ("connect_us", models.IntegerField(default=0)),
                ("tls_us", models.IntegerField(default=0)),
                ("headers_us", models.IntegerField(default=0)),
                ("body_us", models.IntegerField(default=0)),
                ("judgement", models.SmallIntegerField()),
                ("http_status", models.SmallIntegerField(default=0)),
            ],
            options={
                "verbose_name": "result",
                "verbose_name_plural": "results",
            },
        ),
        migrations.CreateModel(
            name="Endpoint",
            fields=[
                ("id", models.AutoField(primary_key=True, serialize=False)),
                ("position", models.PositiveIntegerField(default=0, verbose_name="position")),
                ("name", models.CharField(help_text="Shown on status pages.", max_length=200, verbose_name="name")),
                (
                    "kind",
                    models.CharField(choices=[("http", "http")], default="http", max_length=20, verbose_name="kind"),
                ),
                (
                    "address",
                    models.CharField(
                        help_text="For http: the URL. Only staff see it.", max_length=2048, verbose_name="address"
                    ),
                ),
                ("options", models.JSONField(blank=True, default=dict, verbose_name="options")),
                (
                    "timeout_seconds",
                    models.FloatField(
                        default=10.0,
                        help_text="Bounds the whole check: name, connection, answer and a second attempt.",
                        validators=[
                            django.core.validators.MinValueValidator(0.1),
                            django.core.validators.MaxValueValidator(600),
                        ],
                        verbose_name="timeout (seconds)",
                    ),
                ),
                (
                    "failure_threshold",
                    models.PositiveSmallIntegerField(
                        default=2,
                        help_text="Failed checks in a row before the state changes.",
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(60),
                        ],
                        verbose_name="failure threshold",
                    ),
                ),
                (
                    "recovery_threshold",
                    models.PositiveSmallIntegerField(
                        default=1,
                        help_text="Good checks in a row before it is up again.",
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(60),
                        ],
                        verbose_name="recovery threshold",
                    ),
                ),
                ("is_paused", models.BooleanField(default=False, verbose_name="paused")),
                ("deleted_at", models.DateTimeField(blank=True, editable=False, null=True)),
            ],
            options={
                "verbose_name": "endpoint",
                "verbose_name_plural": "endpoints",
                "ordering": ["position", "id"],
            },
        ),
        migrations.CreateModel(
            name="Evidence",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "endpoint_id", "run_id", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("run_id", models.BigIntegerField()),
                ("endpoint_id", models.IntegerField()),
                ("facts", models.JSONField()),
            ],
            options={
                "verbose_name": "evidence",
                "verbose_name_plural": "evidence",
            },
        ),
        migrations.CreateModel(
            name="Location",
            fields=[
                ("id", models.AutoField(primary_key=True, serialize=False)),
                ("slug", models.SlugField(unique=True, verbose_name="slug")),
                ("name", models.CharField(max_length=100, verbose_name="name")),
            ],
            options={
                "verbose_name": "location",
                "verbose_name_plural": "locations",
            },
        ),
        migrations.CreateModel(
            name="Tick",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("node", models.CharField(max_length=200, unique=True)),
                ("at", models.DateTimeField()),
            ],
            options={
                "verbose_name": "tick",
                "verbose_name_plural": "ticks",
            },
        ),
        migrations.CreateModel(
            name="Assertion",
            fields=[
                ("id", models.AutoField(primary_key=True, serialize=False)),
                ("position", models.PositiveSmallIntegerField(default=0)),
                ("text", models.CharField(max_length=1000, verbose_name="assertion")),
                (
                    "endpoint",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="assertions",
                        to="healthcheck.endpoint",
                    ),
                ),
            ],
            options={
                "verbose_name": "assertion",
                "verbose_name_plural": "assertions",
                "ordering": ["position", "id"],
            },
        ),
        migrations.CreateModel(
            name="EndpointGroup",
            fields=[
                ("id", models.AutoField(primary_key=True, serialize=False)),
                ("name", models.CharField(max_length=200, verbose_name="name")),
                ("slug", models.SlugField(max_length=100, verbose_name="slug")),
                (
                    "position",
                    models.PositiveIntegerField(
                        default=0, help_text="Groups are shown in this order.", verbose_name="position"
                    ),
                ),
                (
                    "interval_seconds",
                    models.PositiveIntegerField(
                        blank=True,
                        default=60,
                        help_text="1 second to 1 day. Leave it empty to use a cron expression.",
                        null=True,
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(86400),
                        ],
                        verbose_name="interval (seconds)",
                    ),
                ),
                (
                    "cron",
                    models.CharField(
                        blank=True,
                        default="",
                        help_text="Five fields, such as */5 * * * *. Leave it empty to use an interval.",
                        max_length=100,
                        verbose_name="cron expression",
                    ),
                ),
                (
                    "timezone",
                    models.CharField(
                        default="UTC",
                        help_text="For the cron expression, such as Europe/Berlin.",
                        max_length=64,
                        verbose_name="time zone",
                    ),
                ),
                (
                    "deadline_seconds",
                    models.FloatField(
                        default=30.0,
                        help_text="Bounds one run of the whole group; shorter than the interval.",
                        validators=[
                            django.core.validators.MinValueValidator(0.1),
                            django.core.validators.MaxValueValidator(600),
                        ],
                        verbose_name="deadline (seconds)",
                    ),
                ),
                ("is_paused", models.BooleanField(default=False, verbose_name="paused")),
                ("deleted_at", models.DateTimeField(blank=True, editable=False, null=True)),
                (
                    "next_run_at",
                    models.DateTimeField(default=django.utils.timezone.now, editable=False, verbose_name="next run"),
                ),
            ],
            options={
                "verbose_name": "endpoint group",
                "verbose_name_plural": "endpoint groups",
                "ordering": ["position", "id"],
                "indexes": [
                    models.Index(
                        condition=models.Q(("deleted_at__isnull", True), ("is_paused", False)),
                        fields=["next_run_at"],
                        name="hc_group_due",
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("deleted_at__isnull", True)),
                        fields=("slug",),
                        name="hc_group_slug",
                        violation_error_message="There is already a group with this slug; choose another.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("interval_seconds__isnull", True), models.Q(("cron", ""), _negated=True)),
                            models.Q(("cron", ""), ("interval_seconds__isnull", False)),
                            _connector="OR",
                        ),
                        name="hc_group_one_schedule",
                        violation_error_message="Give either an interval or a cron expression, not both.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("interval_seconds__isnull", True), ("interval_seconds__range", (1, 86400)), _connector="OR"
                        ),
                        name="hc_group_interval",
                        violation_error_message="The interval must be between 1 second and 1 day.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("deadline_seconds__gt", 0),
                            ("deadline_seconds__lte", 600),
                            models.Q(
                                ("interval_seconds__isnull", True),
                                ("deadline_seconds__lt", models.F("interval_seconds")),
                                _connector="OR",
                            ),
                        ),
                        name="hc_group_deadline",
                        violation_error_message="The deadline must be shorter than the interval; lower it.",
                    ),
                ],
            },
        ),
        migrations.AddField(
            model_name="endpoint",
            name="group",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="endpoints",
                to="healthcheck.endpointgroup",
                verbose_name="group",
            ),
        ),
        migrations.CreateModel(
            name="EndpointState",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "state",
                    models.PositiveSmallIntegerField(
                        choices=[(0, "unknown"), (1, "up"), (2, "degraded"), (3, "down")], default=0
                    ),
                ),
                ("since", models.DateTimeField(null=True)),
                (
                    "known_state",
                    models.PositiveSmallIntegerField(
                        choices=[(0, "unknown"), (1, "up"), (2, "degraded"), (3, "down")], default=0
                    ),
                ),
                (
                    "candidate",
                    models.PositiveSmallIntegerField(
                        choices=[(0, "unknown"), (1, "up"), (2, "degraded"), (3, "down")], default=0
                    ),
                ),
                ("candidate_streak", models.PositiveSmallIntegerField(default=0)),
                ("candidate_at", models.DateTimeField(null=True)),
                ("last_run_id", models.BigIntegerField(default=0)),
                ("next_slot_at", models.DateTimeField(null=True)),
                ("last_observed_at", models.DateTimeField(null=True)),
                (
                    "last_verdict",
                    models.PositiveSmallIntegerField(
                        choices=[(0, "unknown"), (1, "up"), (2, "degraded"), (3, "down")], default=0
                    ),
                ),
                (
                    "last_error_kind",
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
                        ],
                        default=0,
                    ),
                ),
                (
                    "last_phase",
                    models.PositiveSmallIntegerField(
                        choices=[
                            (0, ""),
                            (1, "resolve"),
                            (2, "connect"),
                            (3, "tls"),
                            (4, "request"),
                            (5, "headers"),
                            (6, "body"),
                            (7, "assert"),
                        ],
                        default=0,
                    ),
                ),
                ("last_latency_us", models.PositiveIntegerField(default=0)),
                ("last_http_status", models.PositiveSmallIntegerField(default=0)),
                ("evidence_at", models.DateTimeField(null=True)),
                ("valid_until", models.DateTimeField(null=True)),
                ("strip", models.CharField(blank=True, default="", max_length=60)),
                (
                    "endpoint",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="states",
                        to="healthcheck.endpoint",
                    ),
                ),
                (
                    "location",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="states",
                        to="healthcheck.location",
                    ),
                ),
            ],
            options={
                "verbose_name": "endpoint state",
                "verbose_name_plural": "endpoint states",
            },
        ),
        migrations.CreateModel(
            name="CheckRun",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("trigger", models.PositiveSmallIntegerField(choices=[(1, "scheduled"), (2, "manual")])),
                (
                    "status",
                    models.PositiveSmallIntegerField(
                        choices=[(1, "queued"), (2, "running"), (3, "finished"), (4, "missed"), (5, "abandoned")]
                    ),
                ),
                (
                    "reason",
                    models.PositiveSmallIntegerField(
                        choices=[
                            (1, "the run before was still under way"),
                            (2, "no worker took it in time"),
                            (3, "no scheduler was running"),
                            (4, "the worker was lost"),
                            (5, "the worker was shut down"),
                            (6, "the schedule cannot be read"),
                        ],
                        default=0,
                    ),
                ),
                ("scheduled_for", models.DateTimeField()),
                ("open_until", models.DateTimeField()),
                ("valid_until", models.DateTimeField()),
                ("published_at", models.DateTimeField(null=True)),
                ("started_at", models.DateTimeField(null=True)),
                ("finished_at", models.DateTimeField(null=True)),
                ("token", models.PositiveSmallIntegerField(default=0)),
                ("lease_until", models.DateTimeField(null=True)),
                ("gap_until", models.DateTimeField(null=True)),
                ("slot_count", models.PositiveIntegerField(default=1)),
                ("up_count", models.PositiveIntegerField(default=0)),
                ("degraded_count", models.PositiveIntegerField(default=0)),
                ("down_count", models.PositiveIntegerField(default=0)),
                ("unknown_count", models.PositiveIntegerField(default=0)),
                ("wall_us", models.PositiveBigIntegerField(default=0)),
                ("work_us", models.PositiveBigIntegerField(default=0)),
                (
                    "group",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="runs",
                        to="healthcheck.endpointgroup",
                    ),
                ),
                (
                    "location",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="runs",
                        to="healthcheck.location",
                    ),
                ),
            ],
            options={
                "verbose_name": "run",
                "verbose_name_plural": "runs",
            },
        ),
        migrations.CreateModel(
            name="StatusPage",
            fields=[
                ("id", models.AutoField(primary_key=True, serialize=False)),
                ("slug", models.SlugField(max_length=100, unique=True, verbose_name="slug")),
                ("title", models.CharField(max_length=200, verbose_name="title")),
                ("description", models.CharField(blank=True, default="", max_length=500, verbose_name="description")),
                (
                    "shows_all_groups",
                    models.BooleanField(
                        default=False,
                        help_text="Groups that are added later appear without being chosen.",
                        verbose_name="shows every group",
                    ),
                ),
                (
                    "groups",
                    models.ManyToManyField(
                        blank=True, related_name="status_pages", to="healthcheck.endpointgroup", verbose_name="groups"
                    ),
                ),
            ],
            options={
                "verbose_name": "status page",
                "verbose_name_plural": "status pages",
                "ordering": ["id"],
            },
        ),
        migrations.CreateModel(
            name="Transition",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("endpoint_id", models.IntegerField()),
                (
                    "from_state",
                    models.PositiveSmallIntegerField(choices=[(0, "unknown"), (1, "up"), (2, "degraded"), (3, "down")]),
                ),
                (
                    "to_state",
                    models.PositiveSmallIntegerField(choices=[(0, "unknown"), (1, "up"), (2, "degraded"), (3, "down")]),
                ),
                ("at", models.DateTimeField()),
                ("confirmed_at", models.DateTimeField()),
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
                        ],
                        default=0,
                    ),
                ),
                (
                    "location",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="healthcheck.location",
                    ),
                ),
            ],
            options={
                "verbose_name": "transition",
                "verbose_name_plural": "transitions",
            },
        ),
        migrations.AddConstraint(
            model_name="endpoint",
            constraint=models.UniqueConstraint(
                condition=models.Q(("deleted_at__isnull", True)),
                fields=("group", "name"),
                name="hc_endpoint_name",
                violation_error_message="This group already has an endpoint with this name; choose another.",
            ),
        ),
        migrations.AddConstraint(
            model_name="endpoint",
            constraint=models.CheckConstraint(
                condition=models.Q(("timeout_seconds__gt", 0), ("timeout_seconds__lte", 600)),
                name="hc_endpoint_timeout",
                violation_error_message="The timeout must be more than 0 and at most 600 seconds.",
            ),
        ),
        migrations.AddConstraint(
            model_name="endpoint",
            constraint=models.CheckConstraint(
                condition=models.Q(("failure_threshold__range", (1, 60)), ("recovery_threshold__range", (1, 60))),
                name="hc_endpoint_thresholds",
                violation_error_message="Thresholds must be between 1 and 60.",
            ),
        ),
        migrations.AddIndex(
            model_name="endpointstate",
            index=models.Index(fields=["valid_until"], name="hc_state_valid"),
        ),
        migrations.AddConstraint(
            model_name="endpointstate",
            constraint=models.UniqueConstraint(fields=("endpoint", "location"), name="hc_state_endpoint"),
        ),
        migrations.AddIndex(
            model_name="checkrun",
            index=models.Index(fields=["group", "-id"], name="hc_run_group"),
        ),
        migrations.AddIndex(
            model_name="checkrun",
            index=models.Index(fields=["status", "group"], name="hc_run_status"),
        ),
        migrations.AddConstraint(
            model_name="checkrun",
            constraint=models.UniqueConstraint(
                condition=models.Q(("trigger", 1)), fields=("group", "location", "scheduled_for"), name="hc_run_slot"
            ),
        ),
        migrations.AddConstraint(
            model_name="checkrun",
            constraint=models.UniqueConstraint(
                condition=models.Q(("status__in", (1, 2))),
                fields=("group", "location", "trigger"),
                name="hc_run_one_unfinished",
            ),
        ),
        migrations.AddIndex(
            model_name="transition",
            index=models.Index(fields=["endpoint_id", "location", "at"], name="hc_transition_at"),
        ),
        migrations.RunPython(create_defaults, migrations.RunPython.noop),
    ]
