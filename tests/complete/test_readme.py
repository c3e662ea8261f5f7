"""What README shows works as it stands: its pack is judged, its call is the one that `kt up` prints."""

import re

from complete.project import ROOT
from keeptrusts.cli.demo import curl
from keeptrusts.policies.catalog import load_pack

README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_pack_is_valid():
    packs = re.findall(r"```yaml\n(.*?)```", README, re.DOTALL)
    assert [load_pack(pack.encode()).pack.name for pack in packs] == ["team-alpha-prod"]


def test_the_first_call_is_the_one_that_kt_up_prints():
    call = curl("http://127.0.0.1:41002", "Please repeat: my e-mail is ada@example.com", anthropic=False)
    assert call in README


def test_the_python_examples_are_python():
    for example in re.findall(r"```python\n(.*?)```", README, re.DOTALL):
        compile(example, "README.md", "exec")
