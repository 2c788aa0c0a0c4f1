"""Videos and their tags."""

from django.db import models
from django.urls import reverse


class Tag(models.Model):
    """A word by which videos are found."""

    name = models.CharField(max_length=40, unique=True)
    slug = models.SlugField(max_length=40, unique=True)

    class Meta:
        ordering = ("name",)

    def __str__(self):
        return self.name

    def get_absolute_url(self):
        """Give the address of the page with this tag's videos."""
        return reverse("tag", args=[self.slug])


class Video(models.Model):
    """A workout, shown by a cow."""

    title = models.CharField(max_length=80)
    slug = models.SlugField(max_length=80, unique=True)
    cow = models.CharField("performed by", max_length=40)
    summary = models.TextField()
    hue = models.PositiveSmallIntegerField("colour of the field, in degrees", default=90)
    tags = models.ManyToManyField(Tag, related_name="videos", blank=True)
    views = models.PositiveIntegerField(default=0, editable=False)

    class Meta:
        ordering = ("pk",)

    def __str__(self):
        return self.title

    def get_absolute_url(self):
        """Give the address of the video's own page."""
        return reverse("video", args=[self.slug])
