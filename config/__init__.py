"""The project: settings, URL map and WSGI entry. Imports runs and nodes; nothing imports it."""
