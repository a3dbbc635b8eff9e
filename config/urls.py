"""The URL map: pages of runs and nodes, endpoints for machines, admin, sign-in."""

from django.contrib import admin
from django.urls import include, path

handler404 = "runs.pages.guide.views.not_found"
urlpatterns = [
    path("admin/", admin.site.urls),
    path("", include("runs.urls")),
    path("", include("nodes.urls")),
]
