{# Statements for every neuron of a part, or for every terminal of which it keeps a copy: in place of
   Brian2's template `stateupdate`. #}
{# USES_VARIABLES { N } #}
{% extends 'synsim_team_object.cpp' %}

{% block share %}
    {% if group is none %}
    const synsim::Span _ranges[] = { {0, {{ constant_or_scalar('N', variables['N']) }}} };
    {% else %}
    const std::vector<synsim::Span> &_ranges = _share->ranges({{ group }});
    {% endif %}
    for (const synsim::Span _range : _ranges)
    for (int _idx = _range.begin; _idx < _range.end; _idx++) {
        // vector code
        const size_t _vectorisation_idx = _idx;
        {{ team.own(vector_code)|autoindent }}
    }
{% endblock %}
