import django.core.validators
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("healthcheck", "0017_spool_counts")]

    operations = [
        *(
            migrations.AddField(model_name="windowclock", name=name, field=models.DateTimeField(null=True))
            for name in ("open_since", "open_until", "next_starts_at", "next_ends_at")
        ),
        migrations.AlterField(
            model_name="maintenancewindow",
            name="announce_hours",
            field=models.PositiveSmallIntegerField(
                default=48,
                help_text="How long before its start pages announce it.",
                validators=[django.core.validators.MaxValueValidator(336)],
                verbose_name="announced ahead (hours)",
            ),
        ),
    ]
