# SPDX-License-Identifier: GPL-2.0-only
"""A Django application in one file; gunicorn serves `application` with several worker processes."""

import django
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import JsonResponse
from django.urls import path

settings.configure(ALLOWED_HOSTS=["*"], ROOT_URLCONF=__name__, SECRET_KEY="none", MIDDLEWARE=[], LOGGING_CONFIG=None)


class Cart:
    def __init__(self, owner, count):
        self.owner = owner
        self.lines = [{"article": n, "price": n * 2.5} for n in range(count)]

    @property
    def size(self):
        return len(self.lines)

    def total(self):
        amount = sum(line["price"] for line in self.lines)
        return amount  # @total


def cart(request, owner, count):
    basket = Cart(owner, count)
    total = basket.total()
    return JsonResponse({"owner": owner, "count": basket.size, "total": total})  # @cart


urlpatterns = [path("cart/<str:owner>/<int:count>", cart)]
django.setup()
application = get_wsgi_application()
