import pytest

from inglenook import settings


def test_defaults_stand_where_nothing_is_set() -> None:
    assert settings.from_environment({}) == settings.Settings()


def test_a_variable_sets_the_field_of_its_name() -> None:
    read = settings.from_environment(
        {"INGLENOOK_GATEWAY_QUEUE_TIMEOUT_S": "1.5", "INGLENOOK_AGENT_SANDBOX": "false"}
    )
    assert read.gateway.queue_timeout_s == 1.5
    assert read.agent.sandbox is False


def test_one_of_several_words_is_taken_and_another_refused() -> None:
    read = settings.from_environment({"INGLENOOK_OPERATOR_CPU_LIMITS": "proportional"})
    assert read.operator.cpu_limits is settings.CpuLimits.PROPORTIONAL
    with pytest.raises(settings.SettingsError, match="'half' is not a valid one of none, proport"):
        settings.from_environment({"INGLENOOK_OPERATOR_CPU_LIMITS": "half"})


def test_all_mistakes_are_reported_together() -> None:
    with pytest.raises(settings.SettingsError) as caught:
        settings.from_environment(
            {"INGLENOOK_GATEWAY_STARTS_IN_FLIGHT": "many", "INGLENOOK_AGENT_SPARES": "-1"}
        )
    assert "INGLENOOK_GATEWAY_STARTS_IN_FLIGHT='many'" in str(caught.value)
    assert "INGLENOOK_AGENT_SPARES='-1'" in str(caught.value)


def test_what_can_be_anything_but_zero_is_refused_as_zero() -> None:
    variables = {"INGLENOOK_WORKER_TIME_SCALE": "0", "INGLENOOK_WORKER_LEASE_S": "0.0"}
    with pytest.raises(
        settings.SettingsError, match=r"LEASE_S='0.0' .*; .*TIME_SCALE='0' "
    ) as caught:
        settings.from_environment(variables | {"INGLENOOK_AGENT_SPARES": "0"})
    assert "SPARES" not in str(caught.value)
