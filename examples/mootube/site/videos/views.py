"""What a visitor can ask for."""

from django.conf import settings
from django.db import DatabaseError, connection
from django.db.models import F
from django.http import JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from videos.models import Tag, Video


@require_safe
def barn(request):
    """Show all videos, and count the visit in the visitor's session."""
    request.session["visits"] = request.session.get("visits", 0) + 1
    return render_videos(request, Video.objects.all(), chosen=None)


@require_safe
def tag(request, slug):
    """Show the videos of one tag."""
    chosen = get_object_or_404(Tag, slug=slug)
    return render_videos(request, chosen.videos.all(), chosen=chosen)


def render_videos(request, videos, *, chosen):
    """Give the page with these videos."""
    context = {
        "videos": videos.prefetch_related("tags"),
        "tags": Tag.objects.all(),
        "chosen": chosen,
        "favourites": request.session.get("favourites", []),
    }
    return render(request, "videos/barn.html", context)


@require_safe
def video(request, slug):
    """Show one video, and count that it was seen."""
    shown = get_object_or_404(Video.objects.prefetch_related("tags"), slug=slug)
    Video.objects.filter(pk=shown.pk).update(views=F("views") + 1)
    context = {
        "video": shown,
        "views": shown.views + 1,
        "favourites": request.session.get("favourites", []),
    }
    return render(request, "videos/video.html", context)


@require_POST
def favourite(request, slug):
    """Put a video into the favourites of the visitor's session, or take it out again."""
    get_object_or_404(Video, slug=slug)
    favourites = request.session.get("favourites", [])
    request.session["favourites"] = [other for other in favourites if other != slug] + (
        [] if slug in favourites else [slug]
    )
    return redirect("video", slug=slug)


@never_cache
@require_safe
def session(request):
    """Say what the visitor's session holds, and who says so: the same from every server."""
    return JsonResponse(
        {
            "visits": request.session.get("visits", 0),
            "favourites": request.session.get("favourites", []),
            "host": settings.MOOTUBE_HOST,
            "release": settings.MOOTUBE_RELEASE,
        }
    )


@never_cache
@require_safe
def health(request):
    """Say which release runs on which host, after asking the database; else 503."""
    answer = {
        "release": settings.MOOTUBE_RELEASE,
        "host": settings.MOOTUBE_HOST,
        "engine": connection.vendor,
    }
    try:
        Video.objects.exists()
    except DatabaseError as reason:
        failed = {**answer, "database": "no answer", "reason": type(reason).__name__}
        return JsonResponse(failed, status=503)
    return JsonResponse({**answer, "database": "ok"})
