{# The statements of a reset for a part's neurons that spike: in place of Brian2's template `reset`. #}
{# USES_VARIABLES { N } #}
{% extends 'common_group.cpp' %}

{% block before_code %}
    void _run_{{ codeobj_name }}();
    synsim::team("{{ team.name }}").enlist(_run_{{ codeobj_name }});
{% endblock %}

{% block maincode %}
    const synsim::Share *const _share = synsim::Share::mine();
    if (!_share) {
        static synsim::Team &_team = synsim::team("{{ team.name }}");
        _team.turn(_run_{{ codeobj_name }});
        return;
    }
    // scalar code
    const size_t _vectorisation_idx = -1;
    {{ team.own(scalar_code)|autoindent }}
    const synsim::Spikes &_spikes = _share->spikes({{ group }});
    const int32_t *const _fired = _spikes.begin(_share->at);
    const int32_t _count = _spikes.count(_share->at);
    for (int32_t _event = 0; _event < _count; _event++) {
        const size_t _idx = _fired[_event];
        // vector code
        const size_t _vectorisation_idx = _idx;
        {{ team.own(vector_code)|autoindent }}
    }
{% endblock %}
