"""SAML metadata that is broken: `documents` for `BrokenWeb`, by case (SAML 2.0 Metadata, sections 2.3 and 2.4)."""

import datetime

from peers.authority import ENDING, EXPIRED, FUTURE, bare, self_signed
from peers.broken import CANARY, LIMIT, Reply
from postgres import free_port

MD = 'xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" xmlns:ds="http://www.w3.org/2000/09/xmldsig#"'
PROTOCOL = "urn:oasis:names:tc:SAML:2.0:protocol"
BINDINGS = "urn:oasis:names:tc:SAML:2.0:bindings"
GOOD = self_signed()[0]
OLD, NEW, LAST = (self_signed(life=life)[0] for life in (EXPIRED, FUTURE, ENDING))


def key(certificate, use="signing"):
    """A KeyDescriptor; `use=None` leaves the attribute out."""
    text = bare(certificate) if "-----" in certificate else certificate
    attribute = f' use="{use}"' if use else ""
    return (
        f"<md:KeyDescriptor{attribute}><ds:KeyInfo><ds:X509Data><ds:X509Certificate>{text}</ds:X509Certificate></ds:X509Data></ds:KeyInfo>"
        "</md:KeyDescriptor>"
    )


def endpoint(name, location, binding="HTTP-Redirect"):
    """A SingleSignOnService or the like."""
    return f'<md:{name} Binding="{BINDINGS}:{binding}" Location="{location}"/>'


def entity(entity_id, keys, endpoints, role="IDPSSODescriptor", **attributes):
    """One EntityDescriptor with one role."""
    more = "".join(f' {name}="{value}"' for name, value in attributes.items())
    return (
        f'<?xml version="1.0"?><md:EntityDescriptor {MD} entityID="{entity_id}"{more}><!-- {CANARY} -->'
        f'<md:{role} protocolSupportEnumeration="{PROTOCOL}">{keys}{endpoints}</md:{role}></md:EntityDescriptor>'
    )


def ago(days):
    """So many days ago, as XML writes it."""
    return (datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ")


def documents(web, case, rest):
    """What is served for this case. The entity is `<url>/<case>/<own>`, its metadata lies at `…/metadata.xml`."""
    own, _, path = rest.partition("/")
    if path == "sso":
        return Reply(status=302, content_type="text/html", headers={"Location": f"{web.url}/login/{own}"})
    if path != "metadata.xml":
        return None
    reply = _metadata(f"{web.url}/{case}/{own}", case)
    if isinstance(reply, str):
        return Reply(reply, content_type="application/samlmetadata+xml")
    return reply


def _metadata(at, case):
    sso = endpoint("SingleSignOnService", f"{at}/sso")
    good = entity(at, key(GOOD), sso)
    kind, _, what = case.partition("-")
    if kind == "status":
        return Reply(CANARY, int(what), "text/plain")
    match case:
        case "html":
            return Reply(f"<!doctype html><title>Log in</title><br><p>{CANARY}", content_type="text/html")
        case "json":
            return f'{{"entityID": "{CANARY}"}}'
        case "empty":
            return ""
        case "cut":
            return good[:-30]
        case "doctype":
            return good.replace("?>", f'?><!DOCTYPE md:EntityDescriptor SYSTEM "{at}/{CANARY}.dtd">', 1)
        case "bomb":
            levels = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
            bomb = f'?><!DOCTYPE x [<!ENTITY l0 "{CANARY}">{levels}]>'
            return good.replace("?>", bomb, 1).replace(f"<!-- {CANARY} -->", "<md:Extensions>&l9;</md:Extensions>")
        case "external-entity":
            return good.replace("?>", '?><!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/hostname">]>', 1).replace(at, "&e;", 1)
        case "other-root":
            return f"<html><body>{CANARY}</body></html>"
        case "no-role":
            return f"<md:EntityDescriptor {MD} entityID='{at}'/>"
        case "sp-only":
            return entity(
                at,
                key(GOOD),
                endpoint("AssertionConsumerService", f"{at}/acs", "HTTP-POST").replace("/>", ' index="0"/>'),
                "SPSSODescriptor",
            )
        case "no-entity-id":
            return good.replace(f'entityID="{at}"', "")
        case "other-entity":
            return good.replace(f'entityID="{at}"', 'entityID="https://elsewhere.example/idp"')
        case "two-entities":
            body = good.split("?>", 1)[1]
            return f"<md:EntitiesDescriptor {MD}>{body.replace(at, at + '-a', 1)}{body.replace(at, at + '-b', 1)}</md:EntitiesDescriptor>"
        case "expired":
            return entity(at, key(OLD), sso)
        case "not-yet":
            return entity(at, key(NEW), sso)
        case "ending":
            return entity(at, key(LAST), sso)
        case "roll-over":
            return entity(at, key(OLD) + key(GOOD), sso)
        case "no-certificate":
            return entity(at, "", sso)
        case "encryption-only":
            return entity(at, key(GOOD, "encryption"), sso)
        case "any-use":
            return entity(at, key(GOOD, None), sso)
        case "bad-certificate":
            return entity(at, key("MIIBanonsense"), sso)
        case "past":
            return entity(at, key(GOOD), sso, validUntil=ago(1))
        case "later":
            return entity(at, key(GOOD), sso, validUntil=ago(-30))
        case "no-sso":
            return entity(at, key(GOOD), "")
        case "soap-only":
            return entity(at, key(GOOD), endpoint("SingleSignOnService", f"{at}/sso", "SOAP"))
        case "post-only":
            return entity(at, key(GOOD), endpoint("SingleSignOnService", f"{at}/sso", "HTTP-POST"))
        case "sso-refused":
            return entity(at, key(GOOD), endpoint("SingleSignOnService", f"http://127.0.0.1:{free_port()}/sso"))
        case "sso-forbidden":
            return entity(at, key(GOOD), endpoint("SingleSignOnService", "http://169.254.169.254/x"))
        case "large":
            return good.replace(CANARY, CANARY + "x" * LIMIT)
        case "deep":
            return good.replace(f"<!-- {CANARY} -->", f"<md:Extensions>{'<x>' * 20_000}{'</x>' * 20_000}</md:Extensions>")
        case "many":
            return good.replace(f"<!-- {CANARY} -->", f"<md:Extensions>{'<x/>' * 200_000}</md:Extensions>")
        case "silent":
            return Reply(silent=True)
        case "drip":
            return Reply(good, content_type="application/samlmetadata+xml", drip=True)
        case "loop":
            return Reply(status=302, headers={"Location": f"{at}/metadata.xml"})
        case "to-forbidden":
            return Reply(status=302, headers={"Location": f"http://169.254.169.254/{CANARY}"})
        case _:
            return good
