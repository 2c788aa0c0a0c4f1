"""The app's name and kind of primary key."""

from django.apps import AppConfig


class VideosConfig(AppConfig):
    """Videos and their tags."""

    name = "videos"
    default_auto_field = "django.db.models.BigAutoField"
