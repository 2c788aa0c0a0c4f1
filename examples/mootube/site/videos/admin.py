"""Where the herd's keepers edit videos and tags."""

from django.contrib import admin

from videos.models import Tag, Video


@admin.register(Tag)
class TagAdmin(admin.ModelAdmin):
    """Tags; the slug follows the name."""

    list_display = ("name", "slug")
    prepopulated_fields = {"slug": ("name",)}


@admin.register(Video)
class VideoAdmin(admin.ModelAdmin):
    """Videos, found by title, cow and tag."""

    list_display = ("title", "cow", "views")
    list_filter = ("tags",)
    search_fields = ("title", "cow", "summary")
    prepopulated_fields = {"slug": ("title",)}
    filter_horizontal = ("tags",)
