"""Which address leads where."""

from django.conf import settings
from django.contrib import admin
from django.urls import include, path, re_path
from django.views.static import serve

urlpatterns = [
    path("", include("videos.urls")),
    path("admin/", admin.site.urls),
    # Where there is nginx it answers these itself; the admin needs them elsewhere too.
    re_path(r"^static/(?P<path>.*)$", serve, {"document_root": settings.STATIC_ROOT}),
]
