import django.core.validators
import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("healthcheck", "0009_heartbeats"),
    ]

    operations = [
        migrations.AlterField(
            model_name="endpointstate",
            name="last_error_kind",
            field=models.PositiveSmallIntegerField(
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
                ],
                default=0,
            ),
        ),
        migrations.AlterField(
            model_name="transition",
            name="error_kind",
            field=models.PositiveSmallIntegerField(
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
                ],
                default=0,
            ),
        ),
        migrations.CreateModel(
            name="EndpointMember",
            fields=[
                ("id", models.AutoField(primary_key=True, serialize=False)),
                (
                    "weight",
                    models.PositiveSmallIntegerField(
                        default=1,
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(100),
                        ],
                        verbose_name="weight",
                    ),
                ),
                (
                    "member",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="memberships",
                        to="healthcheck.endpoint",
                    ),
                ),
                (
                    "parent",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="members",
                        to="healthcheck.endpoint",
                    ),
                ),
            ],
            options={
                "verbose_name": "member",
                "verbose_name_plural": "members",
                "constraints": [
                    models.UniqueConstraint(fields=("parent", "member"), name="hc_member_pair"),
                    models.CheckConstraint(
                        condition=models.Q(("parent", models.F("member")), _negated=True), name="hc_member_not_itself"
                    ),
                    models.CheckConstraint(condition=models.Q(("weight__range", (1, 100))), name="hc_member_weight"),
                ],
            },
        ),
    ]
