import django.core.validators
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("healthcheck", "0010_members"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Rollup",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "resolution",
                        "endpoint_id",
                        "location_id",
                        "number",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("number", models.IntegerField()),
                ("endpoint_id", models.IntegerField()),
                ("location_id", models.IntegerField()),
                ("resolution", models.SmallIntegerField(choices=[(1, "hour"), (2, "day")])),
                ("up_ms", models.IntegerField(default=0)),
                ("degraded_ms", models.IntegerField(default=0)),
                ("down_ms", models.IntegerField(default=0)),
                ("unknown_ms", models.IntegerField(default=0)),
                ("maintenance_ms", models.IntegerField(default=0)),
                ("excluded_ms", models.IntegerField(default=0)),
                ("count", models.IntegerField(default=0)),
                ("unknown_count", models.IntegerField(default=0)),
                ("error_counts", models.JSONField(default=dict)),
                ("latencies", models.BinaryField(default=b"")),
            ],
            options={
                "verbose_name": "rollup",
                "verbose_name_plural": "rollups",
            },
        ),
        migrations.CreateModel(
            name="RollupProgress",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "group_id", "location_id", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("group_id", models.IntegerField()),
                ("location_id", models.IntegerField()),
                ("next_hour", models.IntegerField()),
            ],
            options={
                "verbose_name": "rollup progress",
                "verbose_name_plural": "rollup progress",
            },
        ),
        migrations.AddField(
            model_name="endpointgroup",
            name="hour_retention_days",
            field=models.PositiveIntegerField(
                blank=True,
                help_text="Of its history; days are kept for ever. Leave it empty for as long as everywhere.",
                null=True,
                validators=[
                    django.core.validators.MinValueValidator(2),
                    django.core.validators.MaxValueValidator(3650),
                ],
                verbose_name="hours kept (days)",
            ),
        ),
        migrations.AddField(
            model_name="endpointgroup",
            name="retention_days",
            field=models.PositiveIntegerField(
                blank=True,
                help_text="Leave it empty for as long as everywhere.",
                null=True,
                validators=[
                    django.core.validators.MinValueValidator(1),
                    django.core.validators.MaxValueValidator(3650),
                ],
                verbose_name="raw results kept (days)",
            ),
        ),
        migrations.AddField(
            model_name="location",
            name="control_targets",
            field=models.TextField(
                blank=True,
                db_default="",
                default="",
                help_text="One host:port in a line, such as 192.0.2.1:443. Connected to when all checks of a run fail.",
                max_length=1000,
                verbose_name="control targets",
            ),
        ),
        migrations.AddField(
            model_name="statuspage",
            name="counts_degraded_as_good",
            field=models.BooleanField(
                db_default=True,
                default=True,
                help_text="In the uptime of this page, which says so.",
                verbose_name="degraded counts as good",
            ),
        ),
        migrations.CreateModel(
            name="MaintenanceSpan",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("endpoint_id", models.IntegerField()),
                ("window_id", models.IntegerField()),
                ("starts_at", models.DateTimeField()),
                ("ends_at", models.DateTimeField()),
            ],
            options={
                "verbose_name": "maintenance span",
                "verbose_name_plural": "maintenance spans",
                "indexes": [models.Index(fields=["window_id", "ends_at"], name="hc_span_window")],
                "constraints": [
                    models.UniqueConstraint(fields=("endpoint_id", "starts_at", "window_id"), name="hc_span_endpoint"),
                    models.CheckConstraint(
                        condition=models.Q(("ends_at__gte", models.F("starts_at"))), name="hc_span_order"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="MaintenanceWindow",
            fields=[
                ("id", models.AutoField(primary_key=True, serialize=False)),
                ("title", models.CharField(help_text="Shown on status pages.", max_length=200, verbose_name="title")),
                (
                    "description",
                    models.TextField(
                        blank=True,
                        default="",
                        help_text="Shown on status pages.",
                        max_length=2000,
                        verbose_name="description",
                    ),
                ),
                ("starts_at", models.DateTimeField(help_text="The first one, where it recurs.", verbose_name="start")),
                ("duration_seconds", models.PositiveIntegerField(verbose_name="duration (seconds)")),
                (
                    "recurrence",
                    models.CharField(
                        blank=True,
                        default="",
                        help_text="An RRULE of RFC 5545, such as FREQ=WEEKLY;BYDAY=SU; empty for one time only.",
                        max_length=500,
                        verbose_name="recurrence",
                    ),
                ),
                (
                    "timezone",
                    models.CharField(
                        default="UTC",
                        help_text="In which it recurs, such as Europe/Berlin.",
                        max_length=64,
                        verbose_name="time zone",
                    ),
                ),
                ("is_public", models.BooleanField(default=True, verbose_name="announced on status pages")),
                (
                    "announce_hours",
                    models.PositiveSmallIntegerField(
                        default=48,
                        help_text="How long before its start pages announce it.",
                        verbose_name="announced ahead (hours)",
                    ),
                ),
                ("covers_all", models.BooleanField(default=False, verbose_name="covers every endpoint")),
                ("ended_at", models.DateTimeField(blank=True, editable=False, null=True)),
                (
                    "endpoints",
                    models.ManyToManyField(
                        blank=True, related_name="+", to="healthcheck.endpoint", verbose_name="endpoints"
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
                "verbose_name": "maintenance window",
                "verbose_name_plural": "maintenance windows",
                "ordering": ["-starts_at", "-id"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("duration_seconds__gt", 0)),
                        name="hc_window_duration",
                        violation_error_message="A maintenance window must end after it starts; set a later end.",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="RollupMark",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("endpoint_id", models.IntegerField()),
                ("location_id", models.IntegerField()),
                ("hour", models.IntegerField()),
            ],
            options={
                "verbose_name": "rollup mark",
                "verbose_name_plural": "rollup marks",
                "constraints": [
                    models.UniqueConstraint(fields=("endpoint_id", "location_id", "hour"), name="hc_rollup_mark")
                ],
            },
        ),
        migrations.CreateModel(
            name="Correction",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("endpoint_id", models.IntegerField()),
                ("starts_at", models.DateTimeField(verbose_name="start")),
                ("ends_at", models.DateTimeField(verbose_name="end")),
                (
                    "effect",
                    models.PositiveSmallIntegerField(
                        choices=[(1, "maintenance"), (2, "false alarm"), (3, "excluded")], verbose_name="effect"
                    ),
                ),
                ("reason", models.CharField(max_length=500, verbose_name="reason")),
                ("is_public", models.BooleanField(default=False, verbose_name="reason shown on status pages")),
                ("at", models.DateTimeField(verbose_name="time")),
                ("author_name", models.CharField(blank=True, default="", max_length=200, verbose_name="author")),
                ("withdrawn_at", models.DateTimeField(blank=True, editable=False, null=True)),
                ("withdrawn_by_name", models.CharField(blank=True, default="", editable=False, max_length=200)),
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
            ],
            options={
                "verbose_name": "correction",
                "verbose_name_plural": "corrections",
                "indexes": [models.Index(fields=["endpoint_id", "starts_at"], name="hc_correction_at")],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("ends_at__gt", models.F("starts_at"))),
                        name="hc_correction_order",
                        violation_error_message="A correction must end after it starts; set a later end.",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="WindowClock",
            fields=[
                (
                    "window",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="clock",
                        serialize=False,
                        to="healthcheck.maintenancewindow",
                    ),
                ),
                ("spanned_until", models.DateTimeField()),
                ("next_at", models.DateTimeField(null=True)),
            ],
            options={
                "verbose_name": "window clock",
                "verbose_name_plural": "window clocks",
                "indexes": [models.Index(fields=["next_at"], name="hc_window_next")],
            },
        ),
    ]
