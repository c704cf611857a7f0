"""The compliance run of `scim2-tester` through the stock client `scim2`, once on each database: everything it checks holds."""

import os
import pathlib
import subprocess
import sys

SCIM2 = pathlib.Path(sys.executable).parent / "scim2"


def test_the_compliance_run_passes_as_a_whole(directory):
    """It discovers the schemas, then makes, reads, replaces, patches and deletes resources with every attribute of them."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("SCIM_CLI")}
    environment |= {"SCIM_CLI_HEADERS": f"Authorization: Bearer {directory.token}", "SCIM_CLI_URL": directory.node.url + directory.base}
    done = subprocess.run([SCIM2, "test", "--verbose"], env=environment, capture_output=True, text=True, timeout=300)
    output = done.stdout + done.stderr
    assert done.returncode == 0, output[-6000:]
    assert "SUCCESS" in output and not any(word in output for word in ("ERROR", "CRITICAL", "SKIPPED")), output[-6000:]
