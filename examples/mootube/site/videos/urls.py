"""Which address of the site leads to which view."""

from django.urls import path

from videos import views

urlpatterns = [
    path("", views.barn, name="barn"),
    path("tags/<slug:slug>/", views.tag, name="tag"),
    path("videos/<slug:slug>/", views.video, name="video"),
    path("videos/<slug:slug>/favourite/", views.favourite, name="favourite"),
    path("session", views.session, name="session"),
    path("healthz", views.health, name="health"),
]
