"""What every page knows of the server that made it."""

from django.conf import settings


def server(request):
    """Give templates the names of the host and of the release."""
    return {"host": settings.MOOTUBE_HOST, "release": settings.MOOTUBE_RELEASE}
