"""How tokens are asked whether they live, for the files about what ends them."""

# A token's statuses, as a credential and as a subject, when it is refused and when it is accepted.
DEAD, ALIVE = (401, 404), (200, 200)


def statuses(archstone, token):
    """How the token is answered as a credential and as a subject."""
    return archstone.request("GET", "/v3/auth/projects", token=token).status_code, archstone.validate(token).status_code


def assert_alive(archstone, token):
    """The token is accepted; asked twice, so that the second answer comes from a cache if there is one."""
    for _ in range(2):
        assert statuses(archstone, token) == ALIVE


def patch(archstone, path, body):
    return archstone.expect(200, "PATCH", path, token=archstone.admin_token, json=body)
