"""SimpleSAMLphp at which people log out, and from which they are sent to service providers that have not asked."""

import json
import urllib.parse

from peers.saml_logout import with_bindings
from peers.simplesamlphp import BINDINGS, SimpleSamlPhp


class SimpleSamlPhpLogout(SimpleSamlPhp):
    """One that takes signed logouts only; its address for them has these `logout_bindings` in its metadata."""

    def set(self, logout_bindings=("Redirect",), encrypts_names=False, **switches):
        """As of the other; the bindings of the address at which one logs out, and whether names are encrypted by
        themselves."""
        super().set(**switches)
        hosted = json.loads((self.folder / "hosted.json").read_text())
        hosted |= {"SingleLogoutServiceBinding": [BINDINGS[name] for name in logout_bindings], "validate.logout": True,
                   "nameid.encryption": encrypts_names}
        self._write_json("hosted.json", hosted)

    def know(self, metadata, bindings=("Redirect", "POST")):
        """Knows a service provider by its metadata, with what that says of logouts by these bindings."""
        super().know(with_bindings(metadata, bindings))

    @property
    def after_logout(self):
        """Where a browser ends that logged out here."""
        return f"{self.url}/simplesaml/logout.php"

    @property
    def logout_url(self):
        """Where a browser goes to log out here, and everywhere that it came to from here."""
        return f"{self.slo_url}?{urllib.parse.urlencode({'ReturnTo': self.after_logout})}"

    def initiated_url(self, entity_id, relay_state=None):
        """Where a browser goes to be sent to a service provider that has not asked."""
        query = {"spentityid": entity_id} | ({"RelayState": relay_state} if relay_state else {})
        return f"{self.sso_url}?{urllib.parse.urlencode(query)}"
