"""Where people and programs sign in."""

from django.urls import path

from accounts import views

urlpatterns = [
    path("app/sign-in", views.sign_in, name="sign_in"),
    path("app/sign-out", views.sign_out, name="sign_out"),
    path("app/new-password", views.new_password, name="new_password"),
    path("token", views.Token.as_view(), name="token"),
]
