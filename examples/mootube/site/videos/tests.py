"""What MooTube promises its visitors and its balancer."""

from io import StringIO

from django.core.management import call_command
from django.db import connection
from django.test import TestCase, override_settings

from mootube.environment import parse_database_url
from videos.models import Tag, Video


class Visiting(TestCase):
    """Pages, tags, favourites."""

    fixtures = ("herd",)

    def test_barn_shows_all_videos(self):
        """The first page is the whole herd."""
        page = self.client.get("/").content.decode()

        self.assertTrue(all(video.cow in page for video in Video.objects.all()))

    def test_tag_shows_only_its_videos(self):
        """A visitor who asks for balance gets no squats."""
        page = self.client.get(Tag.objects.get(slug="balance").get_absolute_url()).content.decode()

        self.assertIn("Balance on the Gate", page)
        self.assertNotIn("Squats in the Clover", page)

    def test_seen_videos_are_counted(self):
        """The farmer wants to know who is popular."""
        video = Video.objects.get(pk=1)

        self.client.get(video.get_absolute_url())
        self.client.get(video.get_absolute_url())

        self.assertEqual(Video.objects.get(pk=1).views, 2)

    def test_session_keeps_visits_and_favourites(self):
        """Sessions are in the database, so another server must see the same."""
        self.client.get("/")
        self.client.get("/")
        self.client.post("/videos/balance-on-the-gate/favourite/")

        seen = self.client.get("/session").json()

        self.assertEqual((seen["visits"], seen["favourites"]), (2, ["balance-on-the-gate"]))

    def test_second_click_takes_the_favourite_back(self):
        """Taste changes."""
        for _ in range(2):
            self.client.post("/videos/balance-on-the-gate/favourite/")

        self.assertEqual(self.client.get("/session").json()["favourites"], [])

    def test_unknown_video_is_not_found(self):
        """A wrong address is the visitor's error, not ours."""
        self.assertEqual(self.client.get("/videos/pigs/").status_code, 404)


@override_settings(MOOTUBE_HOST="web7", MOOTUBE_RELEASE="20240101000000")
class Serving(TestCase):
    """What the balancer and the deployment ask."""

    def test_every_answer_names_host_and_release(self):
        """A deployment wants to know who answered, even with an error page."""
        answers = [self.client.get(address) for address in ("/", "/healthz", "/nowhere")]

        self.assertEqual({answer["X-MooTube-Host"] for answer in answers}, {"web7"})
        self.assertEqual({answer["X-MooTube-Release"] for answer in answers}, {"20240101000000"})

    def test_health_names_release_and_database(self):
        """The gate of a deployment compares the release."""
        health = self.client.get("/healthz").json()

        self.assertEqual(
            (health["release"], health["host"], health["database"]),
            ("20240101000000", "web7", "ok"),
        )

    def test_health_fails_without_a_database(self):
        """A server that cannot reach its database must not get visitors."""
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE videos_video RENAME TO videos_lost")

        answer = self.client.get("/healthz")

        self.assertEqual((answer.status_code, answer.json()["database"]), (503, "no answer"))

    def test_health_makes_no_session(self):
        """The balancer asks every second; it is not a visitor."""
        self.assertNotIn("sessionid", self.client.get("/healthz").cookies)


class Loading(TestCase):
    """The first videos, and the migrations."""

    def test_herd_is_loaded_once(self):
        """A second deployment must not bring deleted videos back."""
        call_command("load_herd", stdout=StringIO())
        Video.objects.filter(pk=1).delete()

        call_command("load_herd", stdout=StringIO())

        self.assertFalse(Video.objects.filter(pk=1).exists())

    def test_models_have_no_change_without_migration(self):
        """A forgotten migration shows here, not on the servers."""
        call_command("makemigrations", check=True, dry_run=True, verbosity=0)

    def test_database_url_is_read(self):
        """One address for the database, as everybody writes it."""
        parsed = parse_database_url("postgresql://moo:p%40ss@db:5432/mootube")

        self.assertEqual((parsed["PASSWORD"], parsed["HOST"]), ("p@ss", "db"))
        self.assertEqual(parse_database_url("sqlite:////srv/moo.db")["NAME"], "/srv/moo.db")
