"""`catalens serve`, `catalens keys create | list | rotate | revoke | open`: the service, and who may call it."""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from catalens import options, settings
from catalens.cli.options import DEFAULT_CATALOG, AsJson, CatalogFolder, existing_folder, future_folder, option
from catalens.cli.output import say, write, write_json
from catalens.errors import MissingExtraError, UsageError
from catalens.storage.audit import AuditLog
from catalens.storage.places import Places

if TYPE_CHECKING:
    from catalens.server.services.api_keys import ApiKey, ApiKeys


def serve(
    catalog: CatalogFolder = DEFAULT_CATALOG,
    host: Annotated[str, option(options.Serve.host)] = options.Serve.host.default,
    port: Annotated[int, option(options.Serve.port)] = options.Serve.port.default,
    origin: Annotated[
        list[str] | None, typer.Option(help="Origin of a web page that may call the service. May be repeated.")
    ] = None,
    allow_url_hosts: Annotated[
        list[str] | None,
        typer.Option(help="Host from which pictures may be fetched. May be repeated; none by default."),
    ] = None,
    classifier: Annotated[
        list[Path] | None,
        typer.Option(help="Classifier folder to serve by its name in /v1/classify. May be repeated."),
    ] = None,
    model: Annotated[list[str] | None, option(options.Serve.model, more="May be repeated.")] = None,
    accept_licence: Annotated[str | None, option(options.Serve.accept_licence)] = None,
    workers: Annotated[int, option(options.Serve.workers)] = options.Serve.workers.default,
    max_products: Annotated[int, option(options.Serve.max_products)] = options.Serve.max_products.default,
    max_gigabytes: Annotated[int, option(options.Serve.max_gigabytes)] = options.Serve.max_gigabytes.default,
    max_jobs: Annotated[int, option(options.Serve.max_jobs)] = options.Serve.max_jobs.default,
    keep_jobs_days: Annotated[int, option(options.Serve.keep_jobs_days)] = options.Serve.keep_jobs_days.default,
    read_text: Annotated[bool, option(options.Serve.read_text, "--read-text")] = options.Serve.read_text.default,
    allow_licences: Annotated[str | None, option(options.Serve.allow_licences)] = None,
) -> None:
    """Serve a catalog over HTTP: the studio page at /, the API, its description at /docs, counters at /metrics."""
    try:
        from catalens.server.run import bind, listen
        from catalens.server.services.allowed_models import allow_models
        from catalens.server.services.options import ServeOptions
    except ImportError as error:
        raise MissingExtraError.of(error.name or "fastapi", extra="serve") from None
    if accept_licence is not None:
        settings.accept_licence(accept_licence)
    if allow_licences is not None:
        settings.allow_licences(allow_licences)
    _check_licences()
    if read_text:
        from catalens.tasks.reading import text_reader

        text_reader()  # one that is not installed is told before the service starts
    catalog = future_folder(catalog)
    hosts = frozenset(host.lower() for host in allow_url_hosts or ())
    here = _is_loopback(host)
    names = frozenset({"localhost", "127.0.0.1", "::1", host})
    options = ServeOptions(
        catalog,
        tuple(origin or ()),
        hosts,
        classifiers=_classifiers(classifier or []),
        models=allow_models(model or []),
        closed=not here,
        hosts=names,
        max_products=max_products,
        max_gigabytes=max_gigabytes,
        max_jobs=max_jobs,
        keep_jobs_days=keep_jobs_days,
        read_text=read_text,
    )
    keys = _keys(catalog, made=False)
    if keys.is_closed() and not keys.all():
        say("keys were created here and are gone: nobody is let in; create one, or end that with `catalens keys open`")
    if not here and not keys.all():
        raise UsageError(
            f"{host} can be reached by others, and nobody needs a key",
            cure="make one first: catalens keys create --scope search",
        )
    listener = bind(host, port)
    shown = f"[{host}]" if ":" in host else host
    say(f"http://{shown}:{listener.getsockname()[1]}/")
    listen(options, listener, workers=workers)


def _classifiers(folders: list[Path]) -> tuple[Path, ...]:
    """Their whole paths; one that cannot be used is told before the service starts."""
    from catalens.tasks.classifier_folder import load_classifier

    found = tuple(folder.resolve() for folder in folders)
    names = [folder.name for folder in found]
    for folder in found:
        load_classifier(folder)
        if names.count(folder.name) > 1:
            raise UsageError(f"two classifiers are called {folder.name!r}", cure="name their folders apart")
    return found


def _check_licences() -> None:
    """Of the bundled networks, before the service starts, where only some licences are allowed."""
    from catalens.models.zoo import DEFAULTS, resolve

    for task in DEFAULTS if settings.allowed_licences() is not None else ():
        resolve(None, task=task, forms=("card",))


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _keys(catalog: Path, *, made: bool = True) -> ApiKeys:
    """The keys of a catalog; with `made` there must be some, or a catalog."""
    if made and not Places(catalog.absolute()).keys.exists():
        existing_folder(catalog)
    try:
        from catalens.server.services.api_keys import ApiKeys
        from catalens.server.services.options import ServeOptions
    except ImportError as error:
        raise MissingExtraError.of(error.name or "fastapi", extra="serve") from None
    return ApiKeys(ServeOptions(catalog.absolute()).keys)


def _audit(catalog: Path) -> AuditLog:
    return AuditLog(Places(catalog.absolute()).audit)


def create(
    scope: Annotated[
        str, option(options.Keys.scopes, "--scope", also=",...", more="Separate several with commas.")
    ] = ",".join(options.Keys.scopes.default),
    tenant: Annotated[str, option(options.Keys.tenant)] = options.Keys.tenant.default,
    rate: Annotated[str, option(options.Keys.rate)] = options.Keys.rate.default,
    origin: Annotated[
        list[str] | None, typer.Option(help="Origin of a web page that the key is bound to. May be repeated.")
    ] = None,
    catalog: CatalogFolder = DEFAULT_CATALOG,
    as_json: AsJson = False,
) -> None:
    """Create a key. It is shown only once; its hash is stored."""
    try:
        per_second = float(rate.removesuffix("/s"))
    except ValueError:
        raise UsageError(f"--rate is {rate!r}", cure="write it like 20/s") from None
    scopes = [one.strip() for one in scope.split(",") if one.strip()]
    key, secret = _keys(future_folder(catalog), made=False).create(
        scopes=scopes, tenant=tenant, per_second=per_second, origins=origin or ()
    )
    _audit(catalog).note("keys create", key=key.id, scopes=",".join(key.scopes), tenant=key.tenant)
    _show(key, secret, f"key {key.id}: {', '.join(key.scopes)}; it is not shown again", as_json)


def _show(key: ApiKey, secret: str, said: str, as_json: bool) -> None:
    if as_json:
        write_json({**key.to_dict(), "key": secret})
    else:
        write(secret)
        say(said)


def list_keys(catalog: CatalogFolder = DEFAULT_CATALOG, as_json: AsJson = False) -> None:
    """List the keys, without their secrets."""
    found = _keys(catalog).all()
    if as_json:
        write_json([key.to_dict() for key in found])
        return
    if not found:
        say("no keys yet: catalens keys create")
    for key in found:
        rate = f", {key.per_second:g}/s" if key.per_second else ""
        state = ", revoked" if key.revoked else ""
        write(f"{key.id}  {','.join(key.scopes)}  {key.tenant or '-'}{rate}{state}")


def rotate(
    id: Annotated[
        str | None, typer.Argument(help="Of the key; without it the key that signs picture addresses is changed.")
    ] = None,
    grace: Annotated[int, option(options.RotateKey.grace)] = options.RotateKey.grace.default,
    catalog: CatalogFolder = DEFAULT_CATALOG,
    as_json: AsJson = False,
) -> None:
    """Give a key a new secret, shown only once, or sign picture addresses with a new key. Running services follow."""
    keys = _keys(catalog)
    if id is not None:
        key, secret = keys.rotate(id, grace_s=grace)
        until = f"is accepted for {grace} s more" if grace else "is refused from now on"
        _show(key, secret, f"key {key.id} has a new secret, which is not shown again; the old one {until}", as_json)
        return
    from catalens.server.services.options import ServeOptions
    from catalens.server.services.signed_urls import UrlSigner

    UrlSigner(ServeOptions(catalog.absolute()).signing).rotate()
    _audit(catalog).note("keys rotate")
    say("addresses of pictures are signed with a new key; those that were signed with the last one stay valid")


def open_service(catalog: CatalogFolder = DEFAULT_CATALOG) -> None:
    """Forget all keys: from its next start on the service lets every program on its machine in."""
    _keys(catalog).reopen()
    _audit(catalog).note("keys open")
    say("no keys are left; a running service stays closed until it is started again")


def revoke(
    id: Annotated[str, typer.Argument(help="Of the key, as `keys list` shows it.")],
    catalog: CatalogFolder = DEFAULT_CATALOG,
) -> None:
    """Revoke a key immediately."""
    _keys(catalog).revoke(id)
    _audit(catalog).note("keys revoke", key=id)
    say(f"key {id} is revoked")
