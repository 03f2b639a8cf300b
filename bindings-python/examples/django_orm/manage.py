"""A Django site whose users each have a login at Parallel.

    python manage.py migrate
    python manage.py shell  # django.contrib.auth.models.User.objects.create_user("ada", ...)
    python manage.py runserver

SECRET_KEY, PGHOST and its like, PARALLEL_PLATFORM_URL and PARALLEL_SERVICE_API_URL are read.
"""

import os
import sys

from django.core.management import execute_from_command_line

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings")
    execute_from_command_line(sys.argv)
