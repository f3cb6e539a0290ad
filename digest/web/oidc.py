"""Sign-in by OpenID Connect: authorization code flow with PKCE, and the checks of the ID token.

The provider says who somebody is; whether they administer, and as what, only our database says.
OpenID Connect Core 1.0, RFC 7636 (PKCE), RFC 8414 (discovery).
"""

import json
import secrets
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from hmac import compare_digest
from importlib.util import find_spec
from typing import Any, cast
from urllib.parse import quote, urlencode, urlsplit

from digest.models.errors import ConfigError, DigestError, SourceError
from digest.sources.http.client import Client

# Signatures by a key of the provider's own. Those by a shared secret, and "none", would prove nothing.
ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
CLOCK_SKEW = 60  # seconds
FLOW_LIFETIME = timedelta(minutes=10)  # between the start here and the return from the provider
MAX_TOKEN_CHARS = 50_000


class SignInFailed(DigestError):
    """Signing in did not work. Please try again."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Whom the provider signed in. `subject` holds issuer and subject, and never changes for a person."""

    subject: str
    address: str
    is_address_verified: bool


@dataclass(frozen=True, slots=True)
class Flow:
    """What must be remembered between the start of a sign-in and the return: in a cookie of the browser."""

    state: str
    nonce: str
    verifier: str

    def to_cookie(self) -> str:
        """Return the value of the cookie."""
        return f"{self.state}.{self.nonce}.{self.verifier}"

    @classmethod
    def from_cookie(cls, cookie: str) -> "Flow | None":
        """Return the flow of a cookie, or None if it is none."""
        parts = cookie.split(".")
        return cls(*parts) if len(parts) == 3 and all(parts) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenIdProvider:
    """The provider that the settings name. Each sign-in reads its configuration and keys anew."""

    issuer: str
    client_id: str
    client_secret: str
    redirect_url: str
    open_client: Callable[[], AbstractAsyncContextManager[Client]]

    def __post_init__(self) -> None:
        """Raise ConfigError if a setting or the extra is missing."""
        if not self.client_id:
            raise ConfigError("DIGEST_OIDC_ISSUER needs DIGEST_OIDC_CLIENT_ID as well.")
        if find_spec("joserfc") is None:
            raise ConfigError(
                "DIGEST_OIDC_ISSUER needs the extra oidc: pip install 'trending-papers-digest[oidc]'."
            )

    @property
    def label(self) -> str:
        """The provider's host, for the button."""
        return urlsplit(self.issuer).netloc

    async def start(self) -> tuple[str, Flow]:
        """Return the URL at the provider to send the browser to, and what to remember until it returns.

        Raises:
            SignInFailed: the provider does not answer as it should.

        """
        async with self.open_client() as client:
            configuration = await self._read_configuration(client)
        flow = Flow(*(secrets.token_urlsafe(32) for _ in range(3)))
        challenge = urlsafe_b64encode(sha256(flow.verifier.encode()).digest()).rstrip(b"=").decode()
        query = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": self.redirect_url,
            "scope": "openid email",
            "state": flow.state,
            "nonce": flow.nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        endpoint = _get_url(configuration, "authorization_endpoint")
        return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(query)}", flow

    async def finish(self, query: Mapping[str, str], flow: Flow | None, *, now: datetime) -> Identity:
        """Return whom the provider signed in, by the *query* with which the browser returned.

        Raises:
            SignInFailed: this browser did not begin it, or what the provider says is not valid.

        """
        if flow is None or not compare_digest(flow.state.encode(), query.get("state", "").encode()):
            raise SignInFailed(
                "This sign-in was started in another browser or too long ago. Please start again."
            )
        if query.get("error") or not query.get("code"):
            raise SignInFailed(f"{self.label} did not sign you in. Try again, or sign in another way.")
        async with self.open_client() as client:
            configuration = await self._read_configuration(client)
            tokens = await self._exchange_code(client, configuration, query["code"], flow)
            keys = await _get_json(client, _get_url(configuration, "jwks_uri"))
            claims = self._verify_id_token(str(tokens.get("id_token", "")), keys, flow, now)
            if "email" not in claims:
                claims |= await self._read_user_info(client, configuration, tokens, str(claims["sub"]))
        return Identity(
            subject=f"{self.issuer} {claims['sub']}",
            address=str(claims.get("email", "")),
            is_address_verified=claims.get("email_verified") in {True, "true"},
        )

    async def _read_configuration(self, client: Client) -> Mapping[str, Any]:
        configuration = await _get_json(client, f"{self.issuer}/.well-known/openid-configuration")
        if str(configuration.get("issuer", "")).rstrip("/") != self.issuer:
            raise SignInFailed(f"{self.label} has another issuer name: DIGEST_OIDC_ISSUER is wrong.")
        return configuration

    async def _exchange_code(
        self, client: Client, configuration: Mapping[str, Any], code: str, flow: Flow
    ) -> Mapping[str, Any]:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.redirect_url,
            "code_verifier": flow.verifier,
        }
        methods = configuration.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
        headers = {}
        if not self.client_secret:
            form["client_id"] = self.client_id
        elif "client_secret_basic" in methods:  # RFC 6749, 2.3.1: both parts are form-encoded first
            pair = f"{quote(self.client_id, safe='')}:{quote(self.client_secret, safe='')}"
            headers["authorization"] = f"Basic {b64encode(pair.encode()).decode()}"
        else:
            form |= {"client_id": self.client_id, "client_secret": self.client_secret}
        try:
            answer = await client.post(
                _get_url(configuration, "token_endpoint"), rate_group="oidc", form=form, headers=headers
            )
        except SourceError as error:
            raise SignInFailed(
                f"{self.label} did not accept the sign-in: {error}. Please start again."
            ) from error
        return _parse_object(answer.body)

    def _verify_id_token(
        self, text: str, keys: Mapping[str, Any], flow: Flow, now: datetime
    ) -> dict[str, Any]:
        """Return the claims of an ID token whose signature and claims are right."""
        from joserfc import jwt  # noqa: PLC0415  of the extra `oidc`
        from joserfc.errors import JoseError  # noqa: PLC0415  with the one above
        from joserfc.jwk import KeySet  # noqa: PLC0415  with the one above

        rules = jwt.JWTClaimsRegistry(
            now=int(now.timestamp()),
            leeway=CLOCK_SKEW,
            iss={"essential": True, "values": [self.issuer, f"{self.issuer}/"]},
            aud={"essential": True, "value": self.client_id},
            exp={"essential": True},
            sub={"essential": True},
            nonce={"essential": True, "value": flow.nonce},
        )
        try:
            key_set = KeySet.import_key_set(cast("Any", keys))
            claims = jwt.decode(text[:MAX_TOKEN_CHARS], key_set, algorithms=ALGORITHMS).claims
            rules.validate(claims)
        except (JoseError, ValueError, TypeError, KeyError) as error:
            reason = type(error).__name__
            raise SignInFailed(f"What {self.label} says about you is not valid ({reason}).") from error
        if isinstance(claims["aud"], list) and len(claims["aud"]) > 1 and claims.get("azp") != self.client_id:
            raise SignInFailed(f"{self.label} signed you in for another application.")
        return dict(claims)

    async def _read_user_info(
        self, client: Client, configuration: Mapping[str, Any], tokens: Mapping[str, Any], subject: str
    ) -> Mapping[str, Any]:
        """Return address and verification from the userinfo endpoint, for providers that leave them out."""
        url = configuration.get("userinfo_endpoint")
        if not url:
            return {}
        headers = {"authorization": f"Bearer {tokens.get('access_token', '')}"}
        info = await _get_json(client, str(url), headers=headers)
        if info.get("sub") != subject:
            raise SignInFailed(f"{self.label} describes another person.")
        return {name: info[name] for name in ("email", "email_verified") if name in info}


async def _get_json(
    client: Client, url: str, *, headers: Mapping[str, str] | None = None
) -> Mapping[str, Any]:
    try:
        answer = await client.get(url, rate_group="oidc", headers=headers)
    except SourceError as error:
        raise SignInFailed(f"The OpenID provider cannot be reached: {error}. Sign in another way.") from error
    return _parse_object(answer.body)


def _parse_object(body: bytes) -> Mapping[str, Any]:
    try:
        parsed = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise SignInFailed("The answer of the OpenID provider is not JSON.") from error
    if not isinstance(parsed, dict):
        raise SignInFailed("The OpenID provider gave an unexpected answer.")
    return parsed


def _get_url(configuration: Mapping[str, Any], name: str) -> str:
    url = str(configuration.get(name, ""))
    if urlsplit(url).scheme not in {"http", "https"}:
        raise SignInFailed(f"The OpenID provider names no {name}.")
    return url
