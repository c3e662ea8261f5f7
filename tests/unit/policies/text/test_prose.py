from keeptrusts.contract.call import Form
from keeptrusts.policies.pii_detector import PiiDetector, PiiDetectorSpec
from keeptrusts.policies.text.scan import MAX_EFFORT, Account

POLICY = PiiDetector.compile(PiiDetectorSpec())


def test_a_channel_counts_as_it_goes():
    channel = POLICY.open_channel(Form.PROSE)
    assert channel.feed("a@b.com and ") == "[EMAIL] and "
    assert channel.findings == {"email": 1}
    assert channel.feed("c@d.com") == ""
    assert channel.finish() == "[EMAIL]"
    assert channel.findings == {"email": 2}


def test_words_before_a_release_still_count():
    channel = POLICY.open_channel(Form.PROSE)
    released = (
        channel.feed("x" * 600 + " ")
        + channel.feed("version ")
        + channel.feed("1.2.3.4 and 10.1.2.3")
        + channel.finish()
    )
    assert released.endswith("version 1.2.3.4 and [IP_ADDRESS]")


def test_lone_surrogates_pass():
    channel = POLICY.open_channel(Form.PROSE)
    assert channel.feed("\ud83d") + channel.feed("\ude00 a@b.com") + channel.finish() == "\ud83d\ude00 [EMAIL]"


def test_nothing_comes_after_a_block():
    channel = PiiDetector.compile(PiiDetectorSpec(action="block")).open_channel(Form.PROSE)
    assert [channel.feed("to a@b.com "), channel.feed("more"), channel.finish()] == ["to ", "", ""]


def test_an_account_begins_with_all_its_effort():
    assert Account().effort == MAX_EFFORT
