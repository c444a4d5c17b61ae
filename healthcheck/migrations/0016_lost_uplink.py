from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("healthcheck", "0015_maintenance"),
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
                    (22, "uplink"),
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
                    (22, "uplink"),
                ],
                default=0,
            ),
        ),
    ]
