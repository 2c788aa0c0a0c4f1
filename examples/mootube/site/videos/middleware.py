"""Every answer says which server and which release gave it."""

from django.conf import settings


def name_the_server(get_response):
    """Add X-MooTube-Host and X-MooTube-Release to all answers."""

    def respond(request):
        response = get_response(request)
        response["X-MooTube-Host"] = settings.MOOTUBE_HOST
        response["X-MooTube-Release"] = settings.MOOTUBE_RELEASE
        return response

    return respond
