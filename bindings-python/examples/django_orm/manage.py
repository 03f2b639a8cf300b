"""A Django site whose users each have a login at Parallel.

    python manage.py migrate
    python manage.py shell  # django.contrib.auth.models.User.objects.create_user("ada", ...)
    python manage.py runserver

SECRET_KEY, LOGIN_KEYS, PGHOST and its like, PARALLEL_PLATFORM_URL and PARALLEL_SERVICE_API_URL are
read. LOGIN_KEYS has the keys that logins are encrypted with, by their IDs:

    LOGIN_KEYS="2026-11:$(openssl rand -base64 32)"
"""

import os
import sys

from django.core.management import execute_from_command_line

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings")
    execute_from_command_line(sys.argv)
