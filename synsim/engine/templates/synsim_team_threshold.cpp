{# The spikes of a part's neurons, and of all for those who look: in place of Brian2's template `threshold`. #}
{# USES_VARIABLES { N } #}
{% extends 'synsim_team_object.cpp' %}
{% set _eventspace = get_array_name(eventspace_variable) %}

{% block done %}
        {{ _eventspace }}[N] = _team.present({{ group }}, {{ _eventspace }});
{% endblock %}

{% block share %}
    synsim::Spikes &_spikes = _share->spikes({{ group }});
    for (const synsim::Span _range : _share->ranges({{ group }})) {
    {% if pure %}
    // Spikes are rare: all neurons of a range are asked first whether there is any.
    int _any = 0;
    for (int _idx = _range.begin; _idx < _range.end; _idx++) {
        const size_t _vectorisation_idx = _idx;
        {{ team.own(vector_code)|autoindent }}
        _any |= _cond;
    }
    if (!_any)
        continue;
    {% endif %}
    for (int _idx = _range.begin; _idx < _range.end; _idx++) {
        // vector code
        const size_t _vectorisation_idx = _idx;
        {{ team.own(vector_code)|autoindent }}
        if (_cond) {
            _spikes.neurons.push_back(_idx);
            {% if _uses_refractory %}
            {{ not_refractory }}[_idx] = false;
            {{ lastspike }}[_idx] = _share->t;
            {% endif %}
        }
    }
    }
    _spikes.end_step();
{% endblock %}

{% block after_code %}
    {{ _eventspace }}[N] = 0;
{% endblock %}
