from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("healthcheck", "0007_any_kind"),
    ]

    operations = [
        migrations.AlterField(
            model_name="endpoint",
            name="address",
            field=models.CharField(
                blank=True,
                help_text="What is connected to. Only staff see it.",
                max_length=2048,
                verbose_name="address",
            ),
        ),
    ]
