"""How often a video was seen."""

from django.db import migrations, models


class Migration(migrations.Migration):
    """Add the counter; all videos begin at nought."""

    dependencies = (("videos", "0001_initial"),)

    operations = (
        migrations.AddField(
            model_name="video",
            name="views",
            field=models.PositiveIntegerField(default=0, editable=False),
        ),
    )
