"""Tags and videos."""

from django.db import migrations, models


def key():
    """Give a primary key as Django makes it by itself."""
    return models.BigAutoField(
        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
    )


class Migration(migrations.Migration):
    """The first tables."""

    initial = True
    dependencies = ()

    operations = (
        migrations.CreateModel(
            name="Tag",
            fields=[
                ("id", key()),
                ("name", models.CharField(max_length=40, unique=True)),
                ("slug", models.SlugField(max_length=40, unique=True)),
            ],
            options={"ordering": ("name",)},
        ),
        migrations.CreateModel(
            name="Video",
            fields=[
                ("id", key()),
                ("title", models.CharField(max_length=80)),
                ("slug", models.SlugField(max_length=80, unique=True)),
                ("cow", models.CharField(max_length=40, verbose_name="performed by")),
                ("summary", models.TextField()),
                (
                    "hue",
                    models.PositiveSmallIntegerField(
                        default=90, verbose_name="colour of the field, in degrees"
                    ),
                ),
                (
                    "tags",
                    models.ManyToManyField(blank=True, related_name="videos", to="videos.tag"),
                ),
            ],
            options={"ordering": ("pk",)},
        ),
    )
