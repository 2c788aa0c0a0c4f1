"""Fill an empty site with the herd's first videos."""

from django.core.management import call_command
from django.core.management.base import BaseCommand

from videos.models import Video


class Command(BaseCommand):
    """Load the fixture `herd` when there is no video yet; say `nothing to load` otherwise."""

    help = "load the first videos into an empty database"

    def handle(self, *args, **options):
        """Load the fixture unless somebody's videos are there."""
        if Video.objects.exists():
            self.stdout.write("nothing to load")
            return
        call_command("loaddata", "herd", verbosity=0)
        self.stdout.write(f"loaded {Video.objects.count()} videos")
