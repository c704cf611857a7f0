"""Who comes in, and what is too much (ADM-TEN-1, KS-ERR-1): bodies, filters, pages, races."""

import json
from concurrent.futures import ThreadPoolExecutor

from directory import BULK, MEDIA, PATCH, Directory, fault
from harness import unique
from tenancy import Tenant


def test_adm_ten_1_each_token_opens_its_own_tenant(directory):
    """Every id of one tenant by the other's token: 404; nothing else of the service: 401."""
    other = Directory(Tenant(directory.node))
    user, group = directory.user(unique()), directory.group(unique("group"))
    for method, path, body in [
        ("GET", f"/Users/{user['id']}", None), ("PUT", f"/Users/{user['id']}", {"userName": "x"}),
        ("PATCH", f"/Users/{user['id']}", {"Operations": [{"op": "replace", "path": "active", "value": False}]}),
        ("DELETE", f"/Users/{user['id']}", None), ("GET", f"/Groups/{group['id']}", None),
        ("PUT", f"/Groups/{group['id']}", {"displayName": "x"}), ("DELETE", f"/Groups/{group['id']}", None),
        ("PATCH", f"/Groups/{group['id']}", {"Operations": [{"op": "remove", "path": "members"}]}),
    ]:
        fault(other.ask(method, path, body), 404)
        fault(directory.ask(method, path, body, token=other.token), 404)
    fault(other.ask("POST", "/Groups", {"displayName": unique(), "members": [{"value": user["id"]}]}), 400, "invalidValue")
    for path in ("/Users", "/Groups", "/ServiceProviderConfig", "/Schemas", "/ResourceTypes"):
        fault(directory.ask("GET", path, token=other.token), 404)
    assert other.find("Users", f'id eq "{user["id"]}"') == []
    for path in ("/v3/users", "/v3/auth/catalog", "/api/v1/admin/tenants", "/api/v1/sso/configurations",
                 f"/api/v1/admin/tenants/{directory.tenant.id}/scim-tokens"):
        assert directory.node.request("GET", path, headers={"Authorization": f"Bearer {directory.token}"}).status_code == 401, path
        assert directory.node.request("GET", path, token=directory.token).status_code == 401, path


def test_wrong_tokens(directory):
    """None, another's kind, cut, longer, of an unknown tenant: 401 with the challenge, in SCIM's words."""
    for token in ("x", "asc_scim_", directory.token[:-1], directory.token + "x", "asc_scim_" + "x" * 5_000, directory.token.upper()):
        answer = directory.ask("GET", "/Users", token=token)
        fault(answer, 401)
        assert answer.headers["WWW-Authenticate"] == "Bearer"
    fault(directory.node.request("GET", f"{directory.base}/Users"), 401)
    nobody = directory.node.request("GET", "/api/v1/tenants/nobody/scim/v2/Users", headers={"Authorization": f"Bearer {directory.token}"})
    fault(nobody, 404)


def test_ks_err_1_bodies_that_are_too_large_too_deep_or_none(sqlite_directory):
    """413, 400 and 415, each in SCIM's words and never 500."""
    directory = sqlite_directory

    def send(data, kind=MEDIA):
        headers = {"Authorization": f"Bearer {directory.token}", "Content-Type": kind}
        return directory.node.request("POST", f"{directory.base}/Users", data=data, headers=headers)

    fault(send(json.dumps({"userName": "x" * 1_100_000})), 413)
    for depth in (200, 100_000):
        fault(send('{"a":' * depth + "1" + "}" * depth), 400, "invalidSyntax")
    for bad in (b"", b"[]", b"null", b"{", b'{"userName":"a","userName":"b"}', b'{"userName":"\\ud800"}', b'{"userName":NaN}', b"\xff\xfe",
                b'{"userName":"a\\u0000b"}'):
        fault(send(bad), 400, "invalidSyntax")
    fault(send(b"userName=x", "application/x-www-form-urlencoded"), 415)
    assert send(json.dumps({"userName": unique()}), "application/json; charset=utf-8").status_code == 201
    fault(directory.ask("POST", "/Users", {"userName": "x", "emails": [{"value": f"{n}@a"} for n in range(60)]}), 400, "invalidValue")
    many = [{"op": "add", "path": "title", "value": "x"}] * 1_001
    user = directory.user(unique())
    fault(directory.ask("PATCH", f"/Users/{user['id']}", {"schemas": [PATCH], "Operations": many}), 400, "tooMany")
    fault(directory.ask("POST", "/Bulk", {"schemas": [BULK], "Operations": [{}] * 101}), 413)


def test_scim_6_filters_that_are_none_or_too_much(directory):
    """Whatever stands in a filter is refused or finds what it says, and nothing else."""
    name = unique()
    directory.user(name)
    for filter in ('userName eq "x" or', "userName", '"x"', "(" * 50 + "title pr" + ")" * 50, " or ".join(['id eq "x"'] * 51),
                   'userName eq "' + "x" * 5_000 + '"', "title pr", "password pr", "emails[", f"userName eq '{name}'"):
        fault(directory.ask("GET", "/Users", params={"filter": filter}), 400, "invalidFilter")
    for text in ("' OR '1'='1", '\\" or userName pr or userName eq \\"', "%", "_", "x'; DROP TABLE users; --", "\\u0027 OR 1=1"):
        assert directory.find("Users", f'userName eq "{text}"') == [], text
    assert len(directory.find("Users", f'userName eq "{name.upper()}"')) == 1


def test_adm_race_1_two_changes_of_one_version(directory):
    """The second is told that it comes too late, whoever asks at once."""
    user = directory.user(unique())
    one = f"/Users/{user['id']}"
    version = directory.ask("GET", one).headers["ETag"]
    assert version == user["meta"]["version"]

    def change(title):
        return directory.patch(one, {"op": "replace", "path": "title", "value": title}, headers={"If-Match": version}).status_code

    with ThreadPoolExecutor(8) as pool:
        statuses = sorted(pool.map(change, [f"title {n}" for n in range(8)]))
    assert statuses == [200] + [412] * 7
    fault(directory.ask("DELETE", one, headers={"If-Match": version}), 412)
    fresh = directory.ask("GET", one).headers["ETag"]
    unchanged = directory.ask("GET", one, headers={"If-None-Match": fresh})
    assert unchanged.status_code == 304 and not unchanged.content and unchanged.headers["ETag"] == fresh
    assert directory.ask("DELETE", one, headers={"If-Match": fresh}).status_code == 204


def test_two_who_make_the_same_user_at_once(directory):
    """One is made, the other is told that the name is taken."""
    name = unique()
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda n: directory.ask("POST", "/Users", {"userName": [name, name.upper()][n % 2]}), range(6)))
    assert sorted(a.status_code for a in answers) == [201] + [409] * 5, [a.text for a in answers]
    assert len(directory.find("Users", f'userName eq "{name}"')) == 1


def test_pages(directory):
    """They follow each other, in the order that is asked for; a count of none tells the number."""
    names = sorted(unique() for _ in range(9))
    for name in names:
        directory.user(name)
    seen = []
    for start in (1, 5, 9, 13):
        page = directory.ask("GET", "/Users", params={"startIndex": start, "count": 4, "sortBy": "userName"}).json()
        assert page["totalResults"] == 9 and page["startIndex"] == start
        seen += [u["userName"] for u in page["Resources"]]
    assert seen == names
    for count in ("0", "-5"):
        page = directory.ask("GET", "/Users", params={"count": count}).json()
        assert (page["totalResults"], page["Resources"]) == (9, [])
    everything = directory.ask("GET", "/Users", params={"count": 100_000, "startIndex": -7}).json()
    assert everything["itemsPerPage"] == 9
