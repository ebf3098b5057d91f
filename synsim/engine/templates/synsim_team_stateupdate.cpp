{# Statements for every neuron of a part, or for every terminal of which it keeps a copy: in place of
   Brian2's template `stateupdate`. #}
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
    {{ team.copies(scalar_code, vector_code)|autoindent }}
    // scalar code
    const size_t _vectorisation_idx = -1;
    {{ team.own(scalar_code)|autoindent }}
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
