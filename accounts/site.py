"""The Django admin as a part of the product: our sign-in, our rules, and only the addresses that it uses."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.template.response import TemplateResponse
from django.urls import include, path
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect

from accounts.refused import refused
from accounts.roles import Action, may
from accounts.signin import to_sign_in

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse


class Console(admin.AdminSite):
    """The admin's site. A view is open to whom the role table lets do its model's ``action``."""

    site_header = site_title = "DataBridge ERP"
    index_title = "Administration"
    index_template = "admin/console.html"
    enable_nav_sidebar = False

    def has_permission(self, request: HttpRequest) -> bool:
        """Let Admins in; the views of a model ask for its own action."""
        return may(request.user, Action.MANAGE_USERS)

    def admin_view(self, view: Any, cacheable: bool = False) -> Any:
        """Open a view to who may; ask the others to sign in, or tell them whom to ask."""
        action = getattr(getattr(view, "__self__", None), "action", Action.MANAGE_USERS)

        @wraps(view)
        def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if not request.user.is_authenticated:
                return to_sign_in(request)
            if not may(request.user, action):
                return refused(request, action)
            return view(request, *args, **kwargs)

        guarded: Any = csrf_protect(answer if cacheable else never_cache(answer))
        guarded.action = action  # read by the test that walks all routes
        return guarded

    def get_urls(self) -> list[Any]:
        """Return the index, the admin's own texts for its scripts, and every model's views."""
        urls: list[Any] = [
            path("", self.admin_view(self.index), name="index"),
            path("jsi18n/", self.admin_view(self.i18n_javascript, cacheable=True), name="jsi18n"),
        ]
        for model, model_admin in self._registry.items():
            options = model._meta  # noqa: SLF001  (Django's documented name for it)
            urls.append(path(f"{options.app_label}/{options.model_name}/", include(model_admin.get_urls())))
        return urls

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[Any]:
        """Return nothing: the index names what there is."""
        return []

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        """Show what can be administered, each with what it is for."""
        sections = [
            {
                "name": str(model._meta.verbose_name_plural).capitalize(),  # noqa: SLF001
                "purpose": getattr(model_admin, "purpose", ""),
                "url": f"{options.app_label}/{options.model_name}/",
            }
            for model, model_admin in self._registry.items()
            if model_admin.has_module_permission(request) and (options := model._meta)  # noqa: SLF001
        ]
        return super().index(request, {"sections": sections, **(extra_context or {})})

    @property
    def urls(self) -> tuple[list[Any], str, str]:
        """Return what ``urls.py`` includes."""
        return self.get_urls(), "admin", self.name
