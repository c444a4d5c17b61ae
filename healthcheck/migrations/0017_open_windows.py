from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("healthcheck", "0016_lost_uplink")]

    operations = [
        migrations.AddField(model_name="windowclock", name=name, field=models.DateTimeField(null=True))
        for name in ("open_since", "open_until", "next_starts_at", "next_ends_at")
    ]
