"""Datasets and their contracts in the API: everybody sees them, an Admin changes a contract and decides on changes."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts import audit
from accounts.models import signed_in
from accounts.roles import Action
from ingestion import contracts, datasets, submit
from ingestion.api.common import REFUSALS, accepted
from ingestion.api.serializers import (
    ContractVersionsSerializer,
    DatasetSerializer,
    DatasetsSerializer,
    JobSerializer,
    ProblemSerializer,
)
from ingestion.api.views import JobView
from ingestion.errors import ContractMissing

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rest_framework.request import Request

    from ingestion.models import Dataset

_MISSING = {404: ProblemSerializer}


class Datasets(APIView):
    """All datasets."""

    actions: ClassVar[Mapping[str, Action]] = {"GET": Action.SEE_DATASETS}

    @extend_schema(operation_id="list_datasets", responses={200: DatasetsSerializer, 401: ProblemSerializer})
    def get(self, _request: Request) -> Response:
        """Answer the datasets by name."""
        return Response(DatasetsSerializer({"datasets": datasets.all_datasets()}).data)


class DatasetDetail(APIView):
    """One dataset."""

    actions: ClassVar[Mapping[str, Action]] = {"GET": Action.SEE_DATASETS}

    @extend_schema(operation_id="get_dataset", responses={200: DatasetSerializer, **_MISSING})
    def get(self, _request: Request, name: str) -> Response:
        """Answer the dataset: its columns, its loads and the version of its contract."""
        return Response(DatasetSerializer(_dataset(name)).data)


class ContractDetail(APIView):
    """A dataset's contract."""

    actions: ClassVar[Mapping[str, Action]] = {"GET": Action.SEE_DATASETS, "PUT": Action.CHANGE_CONTRACTS}

    @extend_schema(operation_id="get_contract", responses={200: OpenApiTypes.OBJECT, **_MISSING})
    def get(self, _request: Request, name: str) -> Response:
        """Answer the contract's present version."""
        return Response(contracts.get(name).body)

    @extend_schema(
        operation_id="change_contract",
        request=OpenApiTypes.OBJECT,
        responses={200: OpenApiTypes.OBJECT, 404: ProblemSerializer, **REFUSALS},
    )
    def put(self, request: Request, name: str) -> Response:
        """Make the next version of what is sent: its ``version`` is the one that it replaces, so that none is lost.

        What is left out stays; a preset without policies brings its own. A dataset without loads may get its contract
        before its first file.
        """
        person = signed_in(request)
        submit.check_dataset(name)
        told = request.data if isinstance(request.data, dict) else None
        beside = audit.beside(audit.Actor.of(person), "change contract", f"dataset {name}")
        return Response(contracts.change(name, told, by=person.email or person.sub, also=beside).body)


class ContractVersions(APIView):
    """How a dataset's contract came to be."""

    actions: ClassVar[Mapping[str, Action]] = {"GET": Action.SEE_DATASETS}

    @extend_schema(operation_id="list_contract_versions", responses={200: ContractVersionsSerializer, **_MISSING})
    def get(self, _request: Request, name: str) -> Response:
        """Answer the versions, the newest first, each with what changed and who or which job changed it."""
        _dataset(name)
        return Response(ContractVersionsSerializer({"versions": contracts.versions(name)}).data)


class JobApprove(JobView):
    """Agree to what a job's file changes of its dataset's contract."""

    actions: ClassVar[Mapping[str, Action]] = {"POST": Action.CHANGE_CONTRACTS}

    @extend_schema(
        operation_id="approve_job", request=None, responses={202: JobSerializer, 404: ProblemSerializer, **REFUSALS}
    )
    def post(self, request: Request, job_id: str) -> Response:
        """Answer 202 with the job, which loads its file by the contract's next version."""
        return accepted(submit.approve(self.job(job_id).job_id, by=signed_in(request)))


class JobRefuse(JobView):
    """Do not agree to what a job's file changes of its dataset's contract."""

    actions: ClassVar[Mapping[str, Action]] = {"POST": Action.CHANGE_CONTRACTS}

    @extend_schema(
        operation_id="refuse_job", request=None, responses={202: JobSerializer, 404: ProblemSerializer, **REFUSALS}
    )
    def post(self, request: Request, job_id: str) -> Response:
        """Answer 202 with the job, FAILED with the code CHANGE_REFUSED."""
        return accepted(submit.refuse(self.job(job_id).job_id, by=signed_in(request)))


def _dataset(name: str) -> Dataset:
    found = datasets.get(name)
    if found is None:
        raise ContractMissing(f"There is no dataset {name}.", hint="Check the name in the list of datasets.")
    return found
