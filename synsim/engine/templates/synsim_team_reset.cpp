{# The statements of a reset for a part's neurons that spike: in place of Brian2's template `reset`. #}
{# USES_VARIABLES { N } #}
{% extends 'synsim_team_object.cpp' %}

{% block share %}
    const synsim::Spikes &_spikes = _share->spikes({{ group }});
    const int32_t *const _fired = _spikes.begin(_share->at);
    const int32_t _count = _spikes.count(_share->at);
    for (int32_t _event = 0; _event < _count; _event++) {
        // vector code
        const size_t _idx = _fired[_event];
        const size_t _vectorisation_idx = _idx;
        {{ team.own(vector_code)|autoindent }}
    }
{% endblock %}
