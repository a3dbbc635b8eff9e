"""The URLs of stored payloads."""

from django.urls import path

from nodes import views

urlpatterns = [
    path("payloads/<uuid:payload_id>/", views.payload, name="payload"),
    path("payloads/<uuid:payload_id>/raw/", views.payload_raw, name="payload-raw"),
]
