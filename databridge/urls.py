"""All addresses: the API at the root behind a token, and once more
for machines, pages and their API door under ``/app/``, the admin.
"""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView
from drf_spectacular.views import SpectacularAPIView
from rest_framework.renderers import BrowsableAPIRenderer, JSONRenderer

from accounts.roles import OpenTo, open_to
from databridge.resources import MACHINE_DOOR
from ingestion.api.session import PageSession
from ingestion.api.urls import routes

page_door = {
    "authentication_classes": [PageSession],
    "renderer_classes": [JSONRenderer, BrowsableAPIRenderer],
    "schema": None,
}

urlpatterns = [
    path("", open_to(OpenTo.EVERYBODY)(RedirectView.as_view(pattern_name="dashboard"))),
    path("", include("accounts.urls")),
    path("", include((routes(), "api"))),
    path(f"{MACHINE_DOOR}/", include((routes(schema=None), "machine_api"))),
    path("app/api/", include((routes(**page_door), "page_api"))),
    path("app/", include("ingestion.web.urls")),
    path("admin/", admin.site.urls),
    path("api/schema/", open_to(OpenTo.EVERYBODY)(SpectacularAPIView.as_view()), name="schema"),
]
