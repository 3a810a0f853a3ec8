"""A partner's machine with an unmodified OAuth client library (Authlib): finds its way by the metadata, gets tokens, reads.

    client.py ADDRESS CLIENT_ID CLIENT_KEY

For each line on standard input it gets a token, reads with it and with the one before, and prints the token. Any failed request ends it.
"""
import sys

from authlib.integrations.requests_client import OAuth2Session

address, client_id, key = sys.argv[1:]
for way in ("client_secret_post", "client_secret_basic"):
    session = OAuth2Session(client_id, key, scope="read", token_endpoint_auth_method=way)
    metadata = session.get(f"{address}/.well-known/oauth-authorization-server", withhold_token=True).json()
    assert way in metadata["token_endpoint_auth_methods_supported"]
    assert metadata["issuer"] == address, metadata
    # The way that stays: basic credentials.
    before = None
for line in sys.stdin:
    token = session.fetch_token(metadata["token_endpoint"], grant_type="client_credentials")
    assert token["token_type"] == "Bearer" and token["scope"] == "read", token
    for known in filter(None, (token, before)):
        session.token = known
        answer = session.get(f"{address}/v1/individuals")
        assert answer.status_code == 200, (answer.status_code, answer.text)
    before = token
    print(token["access_token"], flush=True)

session = OAuth2Session(client_id, key, scope="read", token_endpoint_auth_method="client_secret_post")
token = session.fetch_token(metadata["token_endpoint"], grant_type="client_credentials")
assert session.revoke_token(metadata["revocation_endpoint"], token=token["access_token"]).status_code == 200
assert session.get(f"{address}/v1/individuals").status_code == 401
try:
    OAuth2Session(client_id, key + "x", scope="read").fetch_token(metadata["token_endpoint"], grant_type="client_credentials")
    sys.exit("a wrong key was let in")
except Exception as error:
    assert "invalid_client" in str(error), error
print("done", flush=True)
