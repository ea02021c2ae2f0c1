/* What a flow does where nothing else is asked for. */
#include <math.h>

#include <vernier/flow.h>

void vn_flow_options_default(struct vn_flow_options *o)
{
    *o = (struct vn_flow_options){
        .samples = 10, .min_cosine = 0.99, .min_choices = 0.95, .expect = NAN, .max_jitter = 2, .max_drop = 1
    };
    vn_options_default(&o->run);
}
