"""The pages' addresses. Parts that pages ask for by themselves lie under ``api/``, where asking is no activity."""

from django.urls import path

from ingestion.web import connections, dashboard, job, look, views

urlpatterns = [
    path("", dashboard.dashboard, name="dashboard"),
    path("jobs", views.jobs, name="jobs_page"),
    path("jobs/<str:job_id>", job.job, name="job_page"),
    path("new", views.new, name="new_job"),
    path("datasets", views.datasets, name="datasets_page"),
    path("datasets/<str:name>", views.dataset, name="dataset_page"),
    path("connections", connections.connections, name="connections_page"),
    path("new-connection", connections.new_connection, name="new_connection"),
    path("connections/<str:name>", connections.connection, name="connection_page"),
    path("session", views.session, name="session"),
    path("signed-in", views.signed_in_again, name="signed_in"),
    path("api/parts/dashboard", dashboard.dashboard_part, name="dashboard_part"),
    path("api/parts/look", look.Look.as_view(), name="look_part"),
    path("api/parts/jobs", views.jobs_part, name="jobs_part"),
    path("api/parts/jobs/<str:job_id>", job.job_part, name="job_part"),
]
