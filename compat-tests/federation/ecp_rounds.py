"""Sign-ins of Enhanced Clients step by step, and responses that nobody asked for."""

from harness import unique
from peers.saml_ecp import Asked, envelope, relay_state
from saml_trust import ENTITY, ask, bring, brought, collected


class Round:
    """One sign-in as far as the identity provider's answer; `parts` are of its response (see
    `peers.saml.build_response`)."""

    def __init__(self, way, person=None, **parts):
        answer = ask(way)
        assert answer.status_code == 200, f"{answer.status_code} {answer.text[:1000]}"
        self.way, self.asked = way, Asked(answer.content)
        self.person = person or way.provider.person()
        self.response = way.provider.vouch(self.asked.request, self.person["name"], **parts)

    def envelope(self, state=..., response=None):
        """The envelope that a client brings, with the RelayState that it was given."""
        state = self.asked.relay_state if state is ... else state
        return envelope(
            self.response if response is None else response, header=[relay_state(state)] if state is not None else []
        )

    def come(self):
        """A whole sign-in: (token, its body)."""
        return collected(self.way, brought(self.way, bring(self.way.archstone, self.envelope())))


def unsolicited(way, what="assertion", name=None, **parts):
    """A response that nobody asked for."""
    name = name or unique("person")
    usual = {
        "destination": way.ecp_acs,
        "recipient": way.ecp_acs,
        "audiences": [[way.archstone.url + ENTITY]],
        "name_id": name,
        "attributes": {"uid": [name], "email": [f"{name}@example.com"]},
    }
    return way.provider.respond(None, what, **(usual | parts))
