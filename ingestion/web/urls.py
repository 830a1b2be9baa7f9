"""The pages' addresses."""

from django.urls import path

from ingestion.web import views

urlpatterns = [
    path("", views.dashboard, name="dashboard"),
    path("jobs", views.jobs, name="jobs_page"),
    path("jobs/<str:job_id>", views.job, name="job_page"),
    path("new", views.new, name="new_job"),
    path("datasets", views.datasets, name="datasets_page"),
    path("datasets/<str:name>", views.dataset, name="dataset_page"),
]
