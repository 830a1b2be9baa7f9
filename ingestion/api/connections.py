"""Connections in the API: saved sources, managed by Admins, used by Operators."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.models import signed_in
from accounts.roles import Action
from ingestion import connections, network
from ingestion.api.common import REFUSALS
from ingestion.api.serializers import (
    ChangedConnectionSerializer,
    ConnectionSerializer,
    ConnectionsSerializer,
    NewConnectionSerializer,
    ProblemSerializer,
    SeenSerializer,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rest_framework.request import Request

_MISSING = {404: ProblemSerializer}


class Connections(APIView):
    """All connections, and new ones."""

    actions: ClassVar[Mapping[str, Action]] = {"GET": Action.USE_CONNECTIONS, "POST": Action.MANAGE_CONNECTIONS}

    @extend_schema(operation_id="list_connections", responses={200: ConnectionsSerializer, 401: ProblemSerializer})
    def get(self, _request: Request) -> Response:
        """Answer the connections by name, without their secrets."""
        return Response(ConnectionsSerializer({"connections": connections.all_connections()}).data)

    @extend_schema(
        operation_id="create_connection",
        request=NewConnectionSerializer,
        responses={201: ConnectionSerializer, **REFUSALS},
    )
    def post(self, request: Request) -> Response:
        """Answer 201 with the connection; its secret is put away and not shown again."""
        body = _checked(NewConnectionSerializer(data=request.data))
        made = connections.create(signed_in(request), body["name"], body["source"])
        return Response(ConnectionSerializer(made).data, status=201)


class ConnectionDetail(APIView):
    """One connection."""

    actions: ClassVar[Mapping[str, Action]] = {
        "GET": Action.USE_CONNECTIONS,
        "PUT": Action.MANAGE_CONNECTIONS,
        "DELETE": Action.MANAGE_CONNECTIONS,
    }

    @extend_schema(operation_id="get_connection", responses={200: ConnectionSerializer, **_MISSING})
    def get(self, _request: Request, name: str) -> Response:
        """Answer the connection without its secret."""
        return Response(ConnectionSerializer(connections.get(name)).data)

    @extend_schema(
        operation_id="change_connection",
        request=ChangedConnectionSerializer,
        responses={200: ConnectionSerializer, **REFUSALS, **_MISSING},
    )
    def put(self, request: Request, name: str) -> Response:
        """Answer the changed connection; a secret that was left out is kept, unless host or user changed."""
        body = _checked(ChangedConnectionSerializer(data=request.data))
        return Response(ConnectionSerializer(connections.change(signed_in(request), name, body["source"])).data)

    @extend_schema(operation_id="delete_connection", responses={204: None, **_MISSING})
    def delete(self, request: Request, name: str) -> Response:
        """Answer 204; the secret is deleted at once."""
        connections.remove(signed_in(request), name)
        return Response(status=204)


class ConnectionTest(APIView):
    """Try a connection."""

    actions: ClassVar[Mapping[str, Action]] = {"POST": Action.USE_CONNECTIONS}

    @extend_schema(
        operation_id="test_connection",
        request=None,
        responses={200: SeenSerializer, 400: ProblemSerializer, **_MISSING},
    )
    def post(self, _request: Request, name: str) -> Response:
        """Answer what the source sees, or the problem that keeps it from seeing anything."""
        return Response(SeenSerializer({"seen": connections.test(name, network.quick_limits())}).data)


def _checked(form: Any) -> dict[str, Any]:
    form.is_valid(raise_exception=True)
    return form.validated_data
