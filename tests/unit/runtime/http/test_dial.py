import ssl

import pytest
import trustme

from keeptrusts.runtime.http.dial import client_tls


def test_tls_out_checks_certificates_and_names_from_1_2_on():
    context = client_tls()
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2


def test_a_ca_of_ones_own_is_added_to_those_of_the_system(tmp_path):
    trustme.CA().cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    assert (
        client_tls(tmp_path / "ca.pem").cert_store_stats()["x509_ca"] == client_tls().cert_store_stats()["x509_ca"] + 1
    )


def test_a_ca_file_that_is_none_is_an_error(tmp_path):
    (tmp_path / "ca.pem").write_text("none")
    with pytest.raises(ssl.SSLError):
        client_tls(tmp_path / "ca.pem")
