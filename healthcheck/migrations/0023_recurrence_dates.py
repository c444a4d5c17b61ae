from django.db import migrations, models


class Migration(migrations.Migration):
    """Room for the dates that a recurrence skips and adds."""

    dependencies = [("healthcheck", "0022_incident_muting")]

    operations = [
        migrations.AlterField(
            model_name="maintenancewindow",
            name="recurrence",
            field=models.CharField(
                blank=True,
                default="",
                help_text="An RRULE of RFC 5545, such as FREQ=WEEKLY;BYDAY=SU; empty for one time only.",
                max_length=2000,
                verbose_name="recurrence",
            ),
        ),
    ]
