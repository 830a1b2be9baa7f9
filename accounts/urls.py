"""Where people and programs sign in, and where people look after their own account."""

from django.urls import path

from accounts import account, signin, token

urlpatterns = [
    path("app/sign-in", signin.sign_in, name="sign_in"),
    path("app/new-password", signin.new_password, name="new_password"),
    path("app/code", signin.code, name="code"),
    path("app/authenticator", signin.set_up_authenticator, name="authenticator"),
    path("app/forgot-password", signin.forgot_password, name="forgot_password"),
    path("app/reset-password", signin.reset_password, name="reset_password"),
    path("app/sign-out", signin.sign_out, name="sign_out"),
    path("app/account", account.account, name="account"),
    path("app/account/password", account.change_password, name="change_password"),
    path("app/account/sign-out-everywhere", account.sign_out_everywhere, name="sign_out_everywhere"),
    path("token", token.Token.as_view(), name="token"),
]
