from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("healthcheck", "0023_recurrence_dates"),
    ]

    operations = [
        migrations.AddField(
            model_name="trouble",
            name="told_at",
            field=models.DateTimeField(null=True),
        ),
    ]
